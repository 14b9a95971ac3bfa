import type { Dispatch } from './dispatch.ts'
import { type Event, type EventType, eventAbout } from './event.ts'
import type { Job, JobState } from './job.ts'
import type { Runner } from './runner.ts'

const ofJob: Record<JobState, EventType> = {
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
  return eventAbout(ofJob[after.state], about, after.state === 'finished' ? { conclusion } : {})
}

const ofRunner: Record<Runner['state'], EventType> = {
  idle: 'runner_idle',
  busy: 'runner_busy',
  offline: 'runner_offline',
  gone: 'runner_gone',
}

/** The line that tells of a runner: that it was first seen, or is in another state. It is in the trail of the job that it was for, or took. */
export function runnerEvent(before: Runner | null, after: Runner, dispatch: Dispatch | null, at: number): Event | null {
  if (before?.state === after.state) return null
  const { instance, name, state } = after
  const { id = after.dispatch, target = null, ran = null, job = null } = dispatch ?? {}
  const about = { at, instance, job: ran ?? job, target, dispatch: id, runner: name }
  return before === null && state !== 'gone'
    ? eventAbout('runner_registered', about, { state })
    : eventAbout(ofRunner[state], about)
}
