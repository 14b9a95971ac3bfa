import { type Backoff, backoffKey, openedAt } from './backoff.ts'
import { type Dispatch, isPending } from './dispatch.ts'
import type { Job } from './job.ts'
import { allowance } from './plan.ts'
import type { Target } from './target.ts'

/** What stands in the way of a job's next runner, and what somebody who retries it takes away. */
export const retryEffects = [
  /** A dispatcher refused it, or a runner idled out for it: it need not wait any more. */
  'backoff_cleared',
  /** It was stuck: its runners are counted from none again. */
  'allowance_renewed',
  /** A dispatcher's breaker is open: one more job is let through as a probe now. */
  'dispatcher_probed',
  /** Nobody knows whether its runner was started: it is waited for no more. Where it was, two may come. */
  'unknown_given_up',
] as const

export type RetryEffect = (typeof retryEffects)[number]

export interface RetryRows {
  job: Job
  /** Its dispatches that are not gone. */
  dispatches: readonly Dispatch[]
  /** By key: what holds the round back, and the breakers of its dispatchers. */
  backoffs: ReadonlyMap<string, Backoff>
  paused: boolean
}

export interface RetryChanges {
  effects: readonly RetryEffect[]
  job: Job
  dispatches: readonly Dispatch[]
  backoffs: readonly Backoff[]
  /** Keys of back-offs that are over. */
  cleared: readonly string[]
}

/** Why there is nothing to retry: the sentence goes to whoever asked. */
export type NothingToRetry = 'waiting' | 'running' | 'finished' | 'unassigned' | 'paused' | 'unhindered'

/** Takes away what keeps a queued job from its next runner, as far as waiting would; what a person has to mend is left. */
export function retry(
  { job, dispatches, backoffs, paused }: RetryRows,
  target: Pick<Target, 'dispatcher' | 'fallback' | 'ttl'> | null,
  now: number,
): RetryChanges | NothingToRetry {
  if (job.state !== 'queued') return job.state
  if (target === null) return 'unassigned'
  if (paused) return 'paused'
  const held = [...backoffs.values()].filter(({ key }) => holdsBack(job, key))
  const open = [target.dispatcher, ...target.fallback].flatMap((name) => {
    const breaker = backoffs.get(backoffKey.breaker(name))
    return breaker && openedAt(breaker) !== null && now < breaker.until ? [breaker] : []
  })
  const unknown = dispatches.filter((dispatch) => dispatch.state === 'unknown' && isPending(dispatch, now))
  const isStuck = job.dispatches >= allowance(job, target, now)
  const effects: RetryEffect[] = []
  if (held.some(({ until }) => now < until)) effects.push('backoff_cleared')
  if (isStuck) effects.push('allowance_renewed')
  if (open.length > 0) effects.push('dispatcher_probed')
  if (unknown.length > 0) effects.push('unknown_given_up')
  if (effects.length === 0) return 'unhindered'
  return {
    effects,
    job: isStuck ? { ...job, dispatches: 0 } : job,
    dispatches: unknown.map((dispatch) => ({ ...dispatch, coverEndedAt: now })),
    backoffs: open.map((breaker) => ({ ...breaker, until: now })),
    cleared: held.map(({ key }) => key),
  }
}

/** A dispatcher refused this round, or a runner idled out for it. */
function holdsBack(job: Job, key: string): boolean {
  return key === backoffKey.idledJob(job.instance, job) || key.startsWith(backoffKey.refusedRound(job.instance, job))
}
