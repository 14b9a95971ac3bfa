import type { JobState, ToldJob } from '../../core/job.ts'
import type { ActionJob } from './schema.ts'

const states: ReadonlyMap<string, JobState> = new Map([
  // Forgejo's own names: blocked has unmet `needs`, waiting could run now.
  ['blocked', 'waiting'],
  ['waiting', 'queued'],
  ['running', 'running'],
  ['success', 'finished'],
  ['failure', 'finished'],
  ['cancelled', 'finished'],
  ['skipped', 'finished'],
])

/** Our word for a job's status; null for one nobody knows. */
export function stateOfJob(status: string | null): JobState | null {
  return status === null ? null : (states.get(status) ?? null)
}

/** The job in our words. Forgejo tells neither its moments nor its runner. */
export function toldJob(
  job: ActionJob,
  state: JobState,
  repository: { name: string | null; id: string | null },
  url: string | null = null,
): ToldJob {
  return {
    id: job.id,
    attempt: job.attempt,
    handle: job.handle,
    state,
    conclusion: state === 'finished' ? job.status : null,
    name: job.name,
    labels: job.runs_on,
    repository: repository.name,
    repositoryId: repository.id,
    runId: job.run_id,
    url,
    runnerName: null,
    queuedAt: null,
    startedAt: null,
    finishedAt: null,
  }
}
