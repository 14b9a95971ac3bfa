import { type Backoff, backoffKey, breakerTrips, longDelay, shortDelay } from './backoff.ts'
import type { Dispatch } from './dispatch.ts'
import { type Event, type EventDetail, type EventType, eventAbout } from './event.ts'
import type { Job } from './job.ts'
import { isRequested } from './request.ts'

/** What became of one request to a dispatcher, as it was found out. */
export type Outcome =
  /** Committed before the first byte leaves. */
  | { kind: 'sent'; at: number }
  /**
   * The start was accepted; `name` where the dispatcher told the runner's. `outlived`: the dispatcher's timeout, in milliseconds, where the
   * answer came after it; `blocking`: this dispatcher is known to answer only when its runner has ended.
   */
  | { kind: 'accepted'; at: number; name: string | null; outlived: number | null; blocking: boolean }
  /** Definitely not started. */
  | { kind: 'refused'; at: number; reason: string; retryAt: number | null }
  /** It may have been started. */
  | { kind: 'unknown'; at: number; reason: string }
  /** Not sent, and it will not be: where it was intended for was left by a new configuration. */
  | { kind: 'unsent'; at: number }
  /** Its runner was stopped by us, or nobody can tell of it any more. */
  | { kind: 'gone'; at: number; why: 'stopped' | 'freed_without_proof' }
  /** An operator freed the slot; `by` names the one who did. */
  | { kind: 'gone'; at: number; why: 'released'; by: string }

/** What is read for, and written by, one outcome. */
export interface OutcomeRows {
  dispatch: Dispatch
  /** The round that asked; null for `min_idle` or when it was forgotten. */
  job: Job | null
  backoffs: ReadonlyMap<string, Backoff>
  /** The instance is paused; what was sent before is not touched by it. */
  paused?: boolean
}

export interface OutcomeChanges {
  dispatch: Dispatch
  job: Job | null
  backoffs: readonly Backoff[]
  cleared: readonly string[]
  events: readonly Event[]
}

/** The keys of the back-offs that an outcome of this dispatch may touch. */
export function outcomeKeys(dispatch: Dispatch): string[] {
  const idled = dispatch.job ? [backoffKey.idledJob(dispatch.instance, dispatch.job)] : []
  return [...wentWell(dispatch), ...idled]
}

/** What a start that went well clears. */
function wentWell(dispatch: Dispatch): string[] {
  return [demandKey(dispatch), backoffKey.breaker(dispatch.dispatcher)]
}

/** Folds an outcome into the rows it concerns. A dispatch that is gone stays gone; a late outcome of it changes nothing. */
export function foldOutcome(rows: OutcomeRows, outcome: Outcome): OutcomeChanges {
  const { dispatch } = rows
  const unchanged = { dispatch, job: rows.job, backoffs: [], cleared: [], events: [] }
  if (dispatch.goneAt !== null) return unchanged
  switch (outcome.kind) {
    case 'sent':
      // Its round ended, or the instance was paused, while it waited for its turn or for its credential: nothing is sent any more.
      if (dispatch.state === 'intended' && (rows.job?.state === 'finished' || rows.paused)) {
        return neverSent()
      }
      return {
        ...unchanged,
        dispatch: { ...dispatch, state: 'sent', sentAt: dispatch.sentAt ?? outcome.at },
        events: [event('dispatch_sent')],
      }
    case 'unsent':
      return dispatch.state === 'intended' ? neverSent() : unchanged
    case 'accepted': {
      const answered: Dispatch = {
        ...dispatch,
        state: 'accepted',
        answeredAt: outcome.at,
        runnerName: outcome.name ?? dispatch.runnerName,
        late: outcome.outlived !== null,
        reason: null,
      }
      const over = outcome.outlived !== null && (outcome.blocking || provesBlocking(dispatch, outcome))
      return {
        ...unchanged,
        dispatch: over ? { ...answered, goneAt: outcome.at, goneReason: 'answered' } : answered,
        job: over && rows.job?.state === 'queued' ? { ...rows.job, doubtedAt: outcome.at } : rows.job,
        cleared: wentWell(dispatch),
        events: [over ? event('dispatch_gone', { reason: 'answered' }) : event('dispatch_accepted')],
      }
    }
    case 'refused':
      return {
        dispatch: {
          ...dispatch,
          state: 'refused',
          answeredAt: outcome.at,
          goneAt: outcome.at,
          goneReason: 'refused',
          reason: outcome.reason,
        },
        // A refused one does not count among the runners that a round may get.
        job: rows.job && { ...rows.job, dispatches: Math.max(0, rows.job.dispatches - 1) },
        // One that was never sent (its forge gave no credential) says nothing of the dispatcher, which others use, too.
        backoffs: [
          raised(demandKey(dispatch), dispatch.instance, outcome.retryAt),
          ...(dispatch.sentAt === null ? [] : [raisedBreaker()]),
        ],
        cleared: [],
        events: [event('dispatch_refused', { reason: outcome.reason })],
      }
    case 'unknown':
      return {
        ...unchanged,
        dispatch: { ...dispatch, state: 'unknown', answeredAt: outcome.at, reason: outcome.reason },
        backoffs: [raisedBreaker()],
        events: [event('dispatch_unknown', { reason: outcome.reason })],
      }
    case 'gone':
      return {
        ...unchanged,
        dispatch: { ...dispatch, goneAt: outcome.at, goneReason: outcome.why },
        backoffs: outcome.why === 'stopped' ? idledOut() : [],
        events: [
          event(outcome.why === 'freed_without_proof' ? outcome.why : 'dispatch_gone', {
            reason: outcome.why,
            ...(outcome.why === 'released' && { by: outcome.by }),
          }),
        ],
      }
  }

  function neverSent(): OutcomeChanges {
    return {
      ...unchanged,
      dispatch: { ...dispatch, goneAt: outcome.at, goneReason: 'never_sent' },
      job: rows.job && { ...rows.job, dispatches: Math.max(0, rows.job.dispatches - 1) },
      events: [event('dispatch_gone', { reason: 'never_sent' })],
    }
  }

  /** It was stopped idle while its round still waits: that round is held back, longer each time. */
  function idledOut(): Backoff[] {
    if (rows.job?.state !== 'queued') return []
    const key = backoffKey.idledJob(dispatch.instance, rows.job)
    const failures = (rows.backoffs.get(key)?.failures ?? 0) + 1
    return [{ key, instance: dispatch.instance, failures, until: outcome.at + longDelay(failures) }]
  }

  function raised(key: string, instance: string, retryAt: number | null): Backoff {
    const failures = (rows.backoffs.get(key)?.failures ?? 0) + 1
    return { key, instance, failures, until: Math.max(outcome.at + shortDelay(failures), retryAt ?? 0) }
  }

  function raisedBreaker(): Backoff {
    const key = backoffKey.breaker(dispatch.dispatcher)
    const failures = (rows.backoffs.get(key)?.failures ?? 0) + 1
    const until = failures < breakerTrips ? outcome.at : outcome.at + shortDelay(failures - breakerTrips + 1)
    return { key, instance: '', failures, until }
  }

  function event(type: EventType, detail?: EventDetail): Event {
    const { id, instance, job, target, runnerName } = dispatch
    return eventAbout(type, { at: outcome.at, instance, job, target, dispatch: id, runner: runnerName }, detail)
  }
}

/**
 * True when a late answer shows that its dispatcher answers only when its runner has ended. A dispatcher that is merely slow answers when
 * its runner is up: not long after it showed itself. Where no name tells which runner that was, only one past `boot_timeout` is believed.
 */
export function provesBlocking(dispatch: Dispatch, outcome: Outcome): boolean {
  if (outcome.kind !== 'accepted' || outcome.outlived === null) return false
  const { at, name, outlived } = outcome
  const { sentAt, bootTimeout, runner, tiedAt, coverEndedAt } = dispatch
  const shownAt = runner === null ? coverEndedAt : tiedAt
  if (sentAt === null || shownAt === null || at - shownAt < outlived) return false
  return runner === null ? at - sentAt >= bootTimeout : runner === name
}

function demandKey(dispatch: Dispatch): string {
  if (isRequested(dispatch)) return backoffKey.refusedRequest(dispatch.instance, dispatch.id, dispatch.dispatcher)
  return dispatch.job
    ? backoffKey.refusedJob(dispatch.instance, dispatch.job, dispatch.dispatcher)
    : backoffKey.refusedTarget(dispatch.instance, dispatch.target, dispatch.dispatcher)
}
