import type { Event, EventType } from './event.ts'
import type { Job, JobState } from './job.ts'

const told: Partial<Record<JobState, EventType>> = {
  queued: 'job_queued',
  running: 'job_running',
  finished: 'job_finished',
}

/** The line that a job's trail gets when it moves on: from nothing or from another state. Null when it did not move, or only waits. */
export function jobEvent(before: Job | null, after: Job, at: number): Event | null {
  const type = told[after.state]
  if (!type || before?.state === after.state) return null
  const { id, round, instance, target, runnerName, conclusion } = after
  const detail: Event['detail'] = after.state === 'finished' ? { conclusion } : {}
  return { type, at, instance, job: { id, round }, target, dispatch: null, runner: runnerName, detail }
}
