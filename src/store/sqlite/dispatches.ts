import { type Backoff, backoffKey, breakerTrips, shortDelay } from '../../core/backoff.ts'
import type { Dispatch, DispatchState } from '../../core/dispatch.ts'
import { type Event, type EventDetail, type EventType, eventAbout } from '../../core/event.ts'
import type { EndedDispatch } from '../../core/leftover.ts'
import { foldOutcome, type Outcome, outcomeKeys } from '../../core/outcome.ts'
import { isRequested, requestTarget } from '../../core/request.ts'
import type { Limits } from '../store.ts'
import { count } from './cells.ts'
import type { Ring } from './commits.ts'
import type { Database } from './database.ts'
import { isPaused, requireEpoch } from './instances.ts'
import { oneRound } from './jobs.ts'
import { forgetServed, isStillAsked } from './requests.ts'
import { clearBackoffs } from './save.ts'
import { backoffs, dispatches, events, jobs } from './tables.ts'

/** What a limit counts, found by index: dispatches that are not gone. */
export const liveStatements = {
  ofTarget: 'SELECT count(*) AS number FROM dispatches WHERE instance = ? AND target = ? AND gone_at IS NULL',
  ofRequests: `SELECT count(*) AS number FROM dispatches WHERE target = '${requestTarget}' AND gone_at IS NULL`,
  ofDispatcher: 'SELECT count(*) AS number FROM dispatches WHERE dispatcher = ? AND gone_at IS NULL',
}

/**
 * Writes dispatches as `intended`, in the order given, each if there is room for it, its dispatcher's breaker lets it through, and its job
 * has not moved on since the turn read it. The counts are those of this transaction, so no two plans can share a slot.
 */
export function intendDispatches(
  db: Database,
  instance: string,
  epoch: number,
  wanted: readonly Dispatch[],
  limits: Limits,
): readonly Dispatch[] {
  requireEpoch(db, instance, epoch)
  const written: Dispatch[] = []
  for (const dispatch of wanted) {
    const breaker = openBreaker(db, dispatch.dispatcher)
    const isHeldBack = breaker !== null && dispatch.intendedAt < breaker.until
    if (isHeldBack || !hasRoom(db, dispatch, limits) || !isStillWanted(db, dispatch)) continue
    if (!dispatches.write(db, { ...dispatch, state: 'intended', version: 0 })) continue
    // This one is the probe: the next waits as if it had failed, until its outcome says more.
    if (breaker) backoffs.put(db, { ...breaker, until: dispatch.intendedAt + probeDelay(breaker) })
    countForRound(db, dispatch, 1)
    events.append(db, eventOf(dispatch, 'dispatch_intended', dispatch.intendedAt))
    written.push({ ...dispatch, state: 'intended', version: 1 })
  }
  return written
}

/** Folds an outcome in and answers the dispatch as it then is. An outcome that changes nothing is not written and rings no bell. */
export function settleDispatch(db: Database, ring: Ring, id: string, outcome: Outcome): Dispatch | null {
  const dispatch = findDispatch(db, id)
  if (!dispatch) return null
  const job = dispatch.job && oneRound(db, dispatch.instance, dispatch.job.id, dispatch.job.round)
  const known = new Map(
    outcomeKeys(dispatch)
      .flatMap((key) => findBackoff(db, key) ?? [])
      .map((it) => [it.key, it]),
  )
  const paused = isPaused(db, dispatch.instance)
  const changes = foldOutcome({ dispatch, job, backoffs: known, paused }, outcome)
  if (changes.dispatch === dispatch) return dispatch
  dispatches.put(db, changes.dispatch)
  forgetServed(db, changes.dispatch)
  if (changes.job && changes.job !== job) jobs.put(db, changes.job)
  for (const backoff of changes.backoffs) backoffs.put(db, backoff)
  clearBackoffs(db, changes.cleared)
  for (const event of changes.events) events.append(db, event)
  ring(dispatch.instance)
  return { ...changes.dispatch, version: dispatch.version + 1 }
}

/** What an earlier process left behind: `intended` was never sent, `sent` is unknown. Another host's local dispatches are its own to judge. */
export function recoverDispatches(db: Database, at: number, host: string): { neverSent: number; unknown: number } {
  const left = (state: DispatchState) =>
    db
      .all('SELECT * FROM dispatches WHERE gone_at IS NULL AND state = ? AND (host IS NULL OR host = ?)', state, host)
      .map(dispatches.read)
  const neverSent = left('intended')
  for (const dispatch of neverSent) {
    dispatches.put(db, { ...dispatch, goneAt: at, goneReason: 'never_sent' })
    countForRound(db, dispatch, -1)
    events.append(db, eventOf(dispatch, 'dispatch_gone', at, { reason: 'never_sent' }))
  }
  const unknown = left('sent')
  for (const dispatch of unknown) {
    const reason = 'muster ended before the answer came'
    dispatches.put(db, { ...dispatch, state: 'unknown', reason })
    events.append(db, eventOf(dispatch, 'dispatch_unknown', at, { reason }))
  }
  return { neverSent: neverSent.length, unknown: unknown.length }
}

/** Those of these dispatches that are gone, by id. */
export function endedDispatches(
  db: Database,
  instance: string,
  ids: readonly string[],
): ReadonlyMap<string, EndedDispatch> {
  const rows = db.all(
    `SELECT * FROM dispatches
     WHERE id IN (SELECT value FROM json_each(?)) AND instance = ? AND gone_at IS NOT NULL`,
    ...[JSON.stringify(ids), instance],
  )
  return new Map(
    rows.map(dispatches.read).map(({ id, sentAt, ttl, goneAt, goneReason }) => {
      return [id, { sentAt, ttl, goneAt: goneAt!, goneReason: goneReason! }]
    }),
  )
}

function hasRoom(db: Database, dispatch: Dispatch, limits: Limits): boolean {
  const { instance, target, dispatcher } = dispatch
  const { requested } = limits
  if (isRequested(dispatch) && requested !== null && count(db.get(liveStatements.ofRequests)) >= requested) return false
  const ofTarget = limits.targets.get(target)
  if (ofTarget !== undefined && count(db.get(liveStatements.ofTarget, instance, target)) >= ofTarget) return false
  const ofDispatcher = limits.dispatchers.get(dispatcher)
  return ofDispatcher === undefined || count(db.get(liveStatements.ofDispatcher, dispatcher)) < ofDispatcher
}

function isStillWanted(db: Database, dispatch: Dispatch): boolean {
  const { instance, job } = dispatch
  if (!isStillAsked(db, dispatch)) return false
  const round = job && oneRound(db, instance, job.id, job.round)
  return !round || round.state === 'queued' || round.state === 'waiting'
}

/** The back-off of a dispatcher whose breaker is open; null while it is closed. */
function openBreaker(db: Database, dispatcher: string): Backoff | null {
  const breaker = findBackoff(db, backoffKey.breaker(dispatcher))
  return breaker && breaker.failures >= breakerTrips ? breaker : null
}

function probeDelay({ failures }: Backoff): number {
  return shortDelay(failures - breakerTrips + 1)
}

/** Counts a dispatch among the runners that its round was given, or takes it out again. */
function countForRound(db: Database, { instance, job }: Dispatch, step: 1 | -1): void {
  const round = job && oneRound(db, instance, job.id, job.round)
  if (round) jobs.put(db, { ...round, dispatches: Math.max(0, round.dispatches + step) })
}

function findDispatch(db: Database, id: string): Dispatch | null {
  const row = db.get('SELECT * FROM dispatches WHERE id = ?', id)
  return row ? dispatches.read(row) : null
}

function findBackoff(db: Database, key: string): Backoff | null {
  const row = db.get('SELECT * FROM backoffs WHERE key = ?', key)
  return row ? backoffs.read(row) : null
}

function eventOf(dispatch: Dispatch, type: EventType, at: number, detail?: EventDetail): Event {
  const { id, instance, job, target, runnerName } = dispatch
  return eventAbout(type, { at, instance, job, target, dispatch: id, runner: runnerName }, detail)
}
