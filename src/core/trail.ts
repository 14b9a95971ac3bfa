import { type Event, type EventType, eventAbout } from './event.ts'
import type { Job, JobState } from './job.ts'

const told: Record<JobState, EventType> = {
  waiting: 'job_waiting',
  queued: 'job_queued',
  running: 'job_running',
  finished: 'job_finished',
}

/** The line that a job's trail gets when it moves on: from nothing or from another state. Null when it did not move. */
export function jobEvent(before: Job | null, after: Job, at: number): Event | null {
  if (before?.state === after.state) return null
  const { id, round, instance, target, runnerName, conclusion } = after
  const about = { at, instance, job: { id, round }, target, runner: runnerName }
  return eventAbout(told[after.state], about, after.state === 'finished' ? { conclusion } : {})
}
