import { type Backoff, backoffKey, breakerTrips, shortDelay } from '../../core/backoff.ts'
import type { Dispatch } from '../../core/dispatch.ts'
import { type Event, type EventDetail, type EventType, eventAbout } from '../../core/event.ts'
import type { EndedDispatch } from '../../core/leftover.ts'
import { foldOutcome, type Outcome, outcomeKeys } from '../../core/outcome.ts'
import { isRequested, requestTarget } from '../../core/request.ts'
import type { Limits } from '../store.ts'
import { count } from './cells.ts'
import type { Ring } from './commits.ts'
import { epochOf, isPaused, requireEpoch } from './instances.ts'
import { oneRound } from './jobs.ts'
import { forgetServed, isStillAsked } from './requests.ts'
import { clearBackoffs } from './save.ts'
import type { Sql, Work } from './sql.ts'
import { backoffs, dispatches, events, jobs } from './tables.ts'

/** Dispatches that are not gone, found by index: what a limit counts, and what a holder before left. */
export const liveStatements = {
  ofTarget: 'SELECT count(*) AS number FROM dispatches WHERE instance = ? AND target = ? AND gone_at IS NULL',
  ofRequests: `SELECT count(*) AS number FROM dispatches WHERE target = '${requestTarget}' AND gone_at IS NULL`,
  ofDispatcher: 'SELECT count(*) AS number FROM dispatches WHERE dispatcher = ? AND gone_at IS NULL',
  left: `SELECT * FROM dispatches INDEXED BY dispatches_live
    WHERE instance = ? AND gone_at IS NULL AND (state = 'intended' OR state = 'sent' AND (host IS NULL OR host = ?)) ORDER BY seq`,
}

/**
 * Writes dispatches as `intended`, in the order given, each if there is room for it, its dispatcher's breaker lets it through, and its job
 * has not moved on since the turn read it. The counts are those of this transaction, so no two plans can share a slot.
 */
export function* intendDispatches(
  db: Sql,
  instance: string,
  epoch: number,
  wanted: readonly Dispatch[],
  limits: Limits,
): Work<readonly Dispatch[]> {
  yield* requireEpoch(db, instance, epoch)
  const written: Dispatch[] = []
  for (const dispatch of wanted) {
    const breaker = yield* openBreaker(db, dispatch.dispatcher)
    const isHeldBack = breaker !== null && dispatch.intendedAt < breaker.until
    if (isHeldBack || !(yield* hasRoom(db, dispatch, limits)) || !(yield* isStillWanted(db, dispatch))) continue
    if (!(yield* dispatches.write(db, { ...dispatch, state: 'intended', version: 0 }))) continue
    // This one is the probe: the next waits as if it had failed, until its outcome says more.
    if (breaker) yield* backoffs.put(db, { ...breaker, until: dispatch.intendedAt + probeDelay(breaker) })
    yield* countForRound(db, dispatch, 1)
    yield* events.append(db, eventOf(dispatch, 'dispatch_intended', dispatch.intendedAt))
    written.push({ ...dispatch, state: 'intended', version: 1 })
  }
  return written
}

/** Folds an outcome in and answers the dispatch as it then is. An outcome that changes nothing is not written and rings no bell. */
export function* settleDispatch(
  db: Sql,
  ring: Ring,
  id: string,
  outcome: Outcome,
  epoch?: number,
): Work<Dispatch | null> {
  const dispatch = yield* findDispatch(db, id)
  if (!dispatch || (epoch !== undefined && epoch !== (yield* epochOf(db, dispatch.instance)))) return null
  const job = dispatch.job && (yield* oneRound(db, dispatch.instance, dispatch.job.id, dispatch.job.round))
  const known = new Map<string, Backoff>()
  for (const key of outcomeKeys(dispatch)) {
    const backoff = yield* findBackoff(db, key)
    if (backoff) known.set(key, backoff)
  }
  const paused = yield* isPaused(db, dispatch.instance)
  const changes = foldOutcome({ dispatch, job, backoffs: known, paused }, outcome)
  if (changes.dispatch === dispatch) return dispatch
  yield* dispatches.put(db, changes.dispatch)
  yield* forgetServed(db, changes.dispatch)
  if (changes.job && changes.job !== job) yield* jobs.put(db, changes.job)
  for (const backoff of changes.backoffs) yield* backoffs.put(db, backoff)
  yield* clearBackoffs(db, changes.cleared)
  for (const event of changes.events) yield* events.append(db, event)
  ring(dispatch.instance)
  return { ...changes.dispatch, version: dispatch.version + 1 }
}

/**
 * What the holder before left behind: `intended` was never sent, for only the holder of a lease sends, and of `sent` nobody here will hear.
 * What became of another host's local starts is its own to judge.
 */
export function* takeUpDispatches(db: Sql, instance: string, at: number, host: string): Work<void> {
  const rows = yield* db.all(liveStatements.left, instance, host)
  for (const dispatch of rows.map(dispatches.read)) {
    if (dispatch.state === 'intended') {
      yield* dispatches.put(db, { ...dispatch, goneAt: at, goneReason: 'never_sent' })
      yield* countForRound(db, dispatch, -1)
      yield* events.append(db, eventOf(dispatch, 'dispatch_gone', at, { reason: 'never_sent' }))
    } else {
      const reason = 'muster ended before the answer came'
      yield* dispatches.put(db, { ...dispatch, state: 'unknown', reason })
      yield* events.append(db, eventOf(dispatch, 'dispatch_unknown', at, { reason }))
    }
  }
}

/** Those of these dispatches that are gone, by id. */
export function* endedDispatches(
  db: Sql,
  instance: string,
  ids: readonly string[],
): Work<ReadonlyMap<string, EndedDispatch>> {
  const rows = yield* db.all(
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

function* hasRoom(db: Sql, dispatch: Dispatch, limits: Limits): Work<boolean> {
  const { instance, target, dispatcher } = dispatch
  const { requested } = limits
  const isFull =
    isRequested(dispatch) && requested !== null && count(yield* db.get(liveStatements.ofRequests)) >= requested
  if (isFull) return false
  const ofTarget = limits.targets.get(target)
  if (ofTarget !== undefined && count(yield* db.get(liveStatements.ofTarget, instance, target)) >= ofTarget)
    return false
  const ofDispatcher = limits.dispatchers.get(dispatcher)
  return ofDispatcher === undefined || count(yield* db.get(liveStatements.ofDispatcher, dispatcher)) < ofDispatcher
}

function* isStillWanted(db: Sql, dispatch: Dispatch): Work<boolean> {
  const { instance, job } = dispatch
  if (!(yield* isStillAsked(db, dispatch))) return false
  const round = job && (yield* oneRound(db, instance, job.id, job.round))
  return !round || round.state === 'queued' || round.state === 'waiting'
}

/** The back-off of a dispatcher whose breaker is open; null while it is closed. */
function* openBreaker(db: Sql, dispatcher: string): Work<Backoff | null> {
  const breaker = yield* findBackoff(db, backoffKey.breaker(dispatcher))
  return breaker && breaker.failures >= breakerTrips ? breaker : null
}

function probeDelay({ failures }: Backoff): number {
  return shortDelay(failures - breakerTrips + 1)
}

/** Counts a dispatch among the runners that its round was given, or takes it out again. */
function* countForRound(db: Sql, { instance, job }: Dispatch, step: 1 | -1): Work<void> {
  const round = job && (yield* oneRound(db, instance, job.id, job.round))
  if (round) yield* jobs.put(db, { ...round, dispatches: Math.max(0, round.dispatches + step) })
}

function* findDispatch(db: Sql, id: string): Work<Dispatch | null> {
  const row = yield* db.get('SELECT * FROM dispatches WHERE id = ?', id)
  return row ? dispatches.read(row) : null
}

function* findBackoff(db: Sql, key: string): Work<Backoff | null> {
  const row = yield* db.get('SELECT * FROM backoffs WHERE key = ?', key)
  return row ? backoffs.read(row) : null
}

function eventOf(dispatch: Dispatch, type: EventType, at: number, detail?: EventDetail): Event {
  const { id, instance, job, target, runnerName } = dispatch
  return eventAbout(type, { at, instance, job, target, dispatch: id, runner: runnerName }, detail)
}
