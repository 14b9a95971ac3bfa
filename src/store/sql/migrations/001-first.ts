// `seq` is the order in which rows came: lists and their cursors go by it.
// The partial indexes hold what a turn reads, so that a turn never touches the finished millions.
export const first = `
  CREATE TABLE instances (
    name TEXT PRIMARY KEY,
    paused INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 0,
    holder TEXT,
    delivered_at INTEGER,
    nudged_at INTEGER,
    job_event_at INTEGER
  ) WITHOUT ROWID;

  CREATE TABLE deliveries (
    seq INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    via TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT,
    nudge INTEGER NOT NULL,
    job_event INTEGER NOT NULL,
    UNIQUE (instance, id)
  );

  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    round INTEGER NOT NULL,
    attempt INTEGER,
    handle TEXT,
    state TEXT NOT NULL,
    conclusion TEXT,
    name TEXT NOT NULL,
    labels TEXT NOT NULL,
    repository TEXT,
    repository_id TEXT,
    run_id TEXT,
    url TEXT,
    runner_name TEXT,
    queued_at INTEGER,
    started_at INTEGER,
    finished_at INTEGER,
    target TEXT,
    unassigned TEXT,
    first_seen_at INTEGER NOT NULL,
    seen_queued_at INTEGER,
    seen_running_at INTEGER,
    seen_finished_at INTEGER,
    delivered_at INTEGER,
    announced_at INTEGER,
    announced_queued INTEGER NOT NULL,
    listed_at INTEGER,
    confirmed_at INTEGER,
    lost_at INTEGER,
    requeued_at INTEGER,
    doubted_at INTEGER,
    start_spent INTEGER NOT NULL,
    dispatches INTEGER NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (instance, id, round)
  );
  CREATE INDEX jobs_of_instance ON jobs (instance);
  CREATE INDEX jobs_in_state ON jobs (state);
  CREATE INDEX jobs_of_instance_in_state ON jobs (instance, state);
  CREATE INDEX jobs_queued ON jobs (instance, target, coalesce(seen_queued_at, first_seen_at), queued_at) WHERE state = 'queued';
  CREATE INDEX jobs_requeued ON jobs (instance) WHERE state = 'finished' AND requeued_at IS NOT NULL;
  CREATE INDEX jobs_unspent ON jobs (instance) WHERE state = 'finished' AND start_spent = 0;
  CREATE INDEX jobs_unannounced ON jobs (instance, listed_at) WHERE announced_at IS NULL AND lost_at IS NULL AND listed_at IS NOT NULL;
  CREATE INDEX jobs_announced ON jobs (instance, first_seen_at) WHERE announced_at IS NOT NULL;
  CREATE INDEX jobs_finished_of_repository ON jobs (instance, repository, seen_finished_at) WHERE state = 'finished';
  CREATE INDEX jobs_finished ON jobs (coalesce(seen_finished_at, first_seen_at)) WHERE state = 'finished';

  CREATE TABLE dispatches (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    instance TEXT NOT NULL,
    target TEXT NOT NULL,
    dispatcher TEXT NOT NULL,
    job_id TEXT,
    job_round INTEGER,
    handle TEXT,
    state TEXT NOT NULL,
    labels TEXT NOT NULL,
    offers TEXT NOT NULL,
    named INTEGER NOT NULL,
    runner_name TEXT,
    host TEXT,
    ttl INTEGER NOT NULL,
    boot_timeout INTEGER NOT NULL,
    idle_timeout INTEGER NOT NULL,
    intended_at INTEGER NOT NULL,
    sent_at INTEGER,
    answered_at INTEGER,
    late INTEGER NOT NULL,
    runner TEXT,
    tied_by TEXT,
    tied_at INTEGER,
    ran_id TEXT,
    ran_round INTEGER,
    cover_ended_at INTEGER,
    cover_ended_by_id TEXT,
    cover_ended_by_round INTEGER,
    gone_at INTEGER,
    gone_reason TEXT,
    reason TEXT,
    version INTEGER NOT NULL
  );
  CREATE INDEX dispatches_of_instance ON dispatches (instance);
  CREATE INDEX dispatches_live ON dispatches (instance, target) WHERE gone_at IS NULL;
  CREATE INDEX dispatches_live_of_dispatcher ON dispatches (dispatcher) WHERE gone_at IS NULL;
  CREATE INDEX dispatches_gone ON dispatches (gone_at);

  CREATE TABLE runners (
    seq INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    dispatch TEXT,
    first_seen_at INTEGER NOT NULL,
    listed_at INTEGER,
    idle_since INTEGER,
    idle_looks INTEGER NOT NULL,
    worked INTEGER NOT NULL,
    gone_at INTEGER,
    version INTEGER NOT NULL,
    UNIQUE (instance, name)
  );
  CREATE INDEX runners_of_instance ON runners (instance);
  CREATE INDEX runners_live ON runners (instance) WHERE gone_at IS NULL;
  CREATE INDEX runners_gone ON runners (gone_at);

  CREATE TABLE backoffs (
    key TEXT PRIMARY KEY,
    instance TEXT NOT NULL,
    failures INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX backoffs_of_instance ON backoffs (instance);

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    instance TEXT NOT NULL,
    job_id TEXT,
    job_round INTEGER,
    target TEXT,
    dispatch TEXT,
    runner TEXT,
    detail TEXT NOT NULL
  );
  CREATE INDEX events_of_instance ON events (instance);
  CREATE INDEX events_of_job ON events (instance, job_id, job_round) WHERE job_id IS NOT NULL;

  CREATE TABLE hooks (
    instance TEXT NOT NULL,
    url TEXT NOT NULL,
    id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    events TEXT NOT NULL,
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (instance, url)
  ) WITHOUT ROWID;
`
