import type { Dispatch } from '../../core/dispatch.ts'
import { type EventType, eventAbout } from '../../core/event.ts'
import { isRequested, mostWaiting, type RunnerRequest, requestTarget } from '../../core/request.ts'
import type { AskedRunners, RequestOutcome } from '../store.ts'
import { count } from './cells.ts'
import type { Ring } from './commits.ts'
import type { Sql, Work } from './sql.ts'
import { events, requests } from './tables.ts'

/** A request waits while no live dispatch serves it: one that ended before it was sent (a restart, a pause) leaves it waiting again. */
export const waits =
  'NOT EXISTS (SELECT 1 FROM dispatches WHERE dispatches.id = requests.id AND dispatches.gone_at IS NULL)'

/** Keeps what a caller asks for, each runner as a row, and the answer under the caller's key; a repeat of the key changes nothing. */
export function* recordRequests(db: Sql, ring: Ring, asked: AskedRunners): Work<RequestOutcome> {
  const { instance, key, answer, at, by } = asked
  const known =
    key &&
    (yield* db.get('SELECT digest, answer FROM request_keys WHERE instance = ? AND key = ?', instance, key.value))
  if (key && known) {
    return known.digest === key.digest ? { kind: 'repeated', answer: String(known.answer) } : { kind: 'mismatch' }
  }
  const waiting = count(yield* db.get('SELECT count(*) AS number FROM requests WHERE instance = ?', instance))
  if (waiting + asked.requests.length > mostWaiting) return { kind: 'full' }
  for (const request of asked.requests) {
    yield* requests.append(db, request)
    yield* tell(db, 'runner_requested', request, at, by)
  }
  if (key) {
    yield* db.run(
      'INSERT INTO request_keys (instance, key, digest, answer, at) VALUES (?, ?, ?, ?, ?)',
      ...[instance, key.value, key.digest, answer, at],
    )
  }
  ring(instance)
  return { kind: 'recorded', answer }
}

export function* cancelRequest(db: Sql, ring: Ring, id: string, at: number, by: string): Work<RunnerRequest | null> {
  const row = yield* db.get(`SELECT * FROM requests WHERE id = ? AND ${waits}`, id)
  if (!row) return null
  const request = requests.read(row)
  yield* db.run('DELETE FROM requests WHERE id = ?', id)
  yield* tell(db, 'request_cancelled', request, at, by)
  ring(request.instance)
  return request
}

/** All that wait, oldest first. */
export function* waitingRequests(db: Sql, instance: string): Work<RunnerRequest[]> {
  const rows = yield* db.all(`SELECT * FROM requests WHERE instance = ? AND ${waits} ORDER BY seq`, instance)
  return rows.map(requests.read)
}

/** False for a dispatch whose request was started or given up meanwhile. */
export function* isStillAsked(db: Sql, dispatch: Dispatch): Work<boolean> {
  return !isRequested(dispatch) || (yield* db.get('SELECT 1 FROM requests WHERE id = ?', dispatch.id)) !== undefined
}

/** Once its start was sent, or an operator gave it up, nothing of a request is needed any more; its `env` may hold secrets. */
export function* forgetServed(db: Sql, dispatch: Dispatch): Work<void> {
  if (!isRequested(dispatch) || (dispatch.sentAt === null && dispatch.goneReason !== 'released')) return
  yield* db.run('DELETE FROM requests WHERE id = ?', dispatch.id)
}

function tell(db: Sql, type: EventType, { id, instance }: RunnerRequest, at: number, by: string): Work<number> {
  return events.append(db, eventAbout(type, { at, instance, target: requestTarget, dispatch: id }, { by }))
}
