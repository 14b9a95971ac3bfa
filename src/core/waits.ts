import type { Event } from './event.ts'
import type { Job } from './job.ts'

/** How long a job waited for its runner, how long that runner took to come, and how long the job ran. Milliseconds; null where it did not, or nobody knows. */
export interface Waits {
  /** From queued to running; until now while it is queued. */
  queue: number | null
  /** From the request for its runner to the first sight of it. */
  boot: number | null
  /** From running to its end; until now while it runs. */
  run: number | null
}

/** The waits of one round, from its moments and its trail. The forge's own moments go before ours: a look may come late. */
export function waitsOf(job: Job, trail: readonly Event[], now: number): Waits {
  const queued = job.queuedAt ?? job.seenQueuedAt
  const started = hasRun(job) ? (job.startedAt ?? job.seenRunningAt) : null
  const finished = job.state === 'finished' ? (job.finishedAt ?? job.seenFinishedAt) : null
  const until = job.state === 'finished' ? finished : now
  return {
    queue: between(queued, started ?? until),
    boot: bootOf(job, trail),
    run: started === null ? null : between(started, until),
  }
}

/** A job that was cancelled while it waited has moments of a start at some forges. */
export function hasRun({ state, seenRunningAt, runnerName, conclusion, startedAt }: Job): boolean {
  if (state === 'running' || seenRunningAt !== null) return true
  if (state !== 'finished') return false
  const wasCut = conclusion === 'cancelled' || conclusion === 'skipped' || conclusion === 'expired'
  return runnerName !== null || (startedAt !== null && !wasCut)
}

/** Of the runner that took it; while it waits, of the last one that came for it. */
function bootOf({ runnerName }: Job, trail: readonly Event[]): number | null {
  const ties = trail.filter(({ type, runner }) => type === 'runner_tied' && (runnerName ?? runner) === runner)
  const tie = ties.at(-1)
  const sent = tie && trail.find(({ type, dispatch }) => type === 'dispatch_sent' && dispatch === tie.dispatch)
  return sent ? between(sent.at, tie.at) : null
}

function between(from: number | null, to: number | null): number | null {
  return from === null || to === null ? null : Math.max(0, to - from)
}

/** Waits of late, in short. Milliseconds. */
export interface WaitSummary {
  count: number
  median: number | null
  /** 95 of 100 waited no longer. */
  p95: number | null
}

export function summaryOf(waits: readonly number[]): WaitSummary {
  const sorted = [...waits].sort((a, b) => a - b)
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
  return { count: sorted.length, median: rank(0.5), p95: rank(0.95) }
}
