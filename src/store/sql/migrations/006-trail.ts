/**
 * Why a job waits, kept beside its facts (`verdict` is the kind, for statements; `verdict_told` all of it); and ways
 * to the events of a dispatch, a runner and a type, and to the waits of late.
 */
export const trail = `
  ALTER TABLE jobs ADD COLUMN verdict TEXT;
  ALTER TABLE jobs ADD COLUMN verdict_told TEXT;
  CREATE INDEX jobs_started ON jobs (instance, target, seen_running_at) WHERE seen_running_at IS NOT NULL;
  CREATE INDEX dispatches_tied ON dispatches (instance, target, tied_at) WHERE tied_at IS NOT NULL;

  ALTER TABLE instances ADD COLUMN beyond TEXT NOT NULL DEFAULT '[]';

  DROP INDEX events_of_instance;
  DROP INDEX events_of_job;
  CREATE INDEX events_of_instance ON events (instance, seq);
  CREATE INDEX events_of_job ON events (instance, job_id, job_round, seq) WHERE job_id IS NOT NULL;
  CREATE INDEX events_of_dispatch ON events (dispatch, seq) WHERE dispatch IS NOT NULL;
  CREATE INDEX events_of_runner ON events (instance, runner, seq) WHERE runner IS NOT NULL;
  CREATE INDEX events_of_type ON events (type, seq);
`
