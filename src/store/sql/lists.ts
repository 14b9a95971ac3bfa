import type { StoredEvent } from '../../core/event.ts'
import { BadCursor, type ListQuery, type Page, type ShownJob, type Store } from '../store.ts'
import { waits } from './requests.ts'
import type { Cell, Row, Sql, Work } from './sql.ts'
import { dispatches, events, requests, runners } from './tables.ts'
import { shownJobs } from './verdicts.ts'

type Query<K extends 'jobs' | 'dispatches' | 'requests' | 'runners' | 'events'> = Parameters<Store[K]>[0]

/** Conditions that all must hold, each with the value of its one `?`, or without any. */
type Conditions = readonly (readonly [sql: string, value?: Cell])[]

interface List<T> {
  table: string
  order: 'oldest first' | 'newest first'
  where: Conditions
  read(row: Row): T
}

/** Jobs, the first seen first. */
export function* listJobs(db: Sql, query: Query<'jobs'>): Work<Page<ShownJob>> {
  const where = [
    ...sameInstance(query),
    ...sameTarget(query),
    ...given('state = ?', query.state),
    ...given('lower(repository) = ?', query.repository?.toLowerCase()),
    // The labels are a JSON array, in which each is found as it is written there.
    ...given("replace(labels, ?, '') <> labels", query.label === undefined ? undefined : JSON.stringify(query.label)),
  ]
  const { items, next } = yield* page(db, query, { table: 'jobs', order: 'oldest first', where, read: (row) => row })
  return { items: yield* shownJobs(db, items), next }
}

/** Dispatches, the last intended first. */
export function listDispatches(db: Sql, query: Query<'dispatches'>) {
  const where = [
    ...sameInstance(query),
    ...sameTarget(query),
    ...isGone(query.live === undefined ? undefined : !query.live),
    ...given('state = ?', query.state),
    ...given('dispatcher = ?', query.dispatcher),
    ...given('id IN (SELECT value FROM json_each(?))', query.ids && JSON.stringify(query.ids)),
    ...(query.untied ? ([['runner IS NULL']] as const) : []),
  ]
  return page(db, query, { table: 'dispatches', order: 'newest first', where, read: dispatches.read })
}

/** Requests that wait, the first asked first. */
export function listRequests(db: Sql, query: Query<'requests'>) {
  const where: Conditions = [...sameInstance(query), [waits]]
  return page(db, query, { table: 'requests', order: 'oldest first', where, read: requests.read })
}

/** Runners, the first seen first; those of a target are the ones that its dispatches brought. */
export function listRunners(db: Sql, query: Query<'runners'>) {
  const ofTarget = 'EXISTS (SELECT 1 FROM dispatches WHERE dispatches.id = runners.dispatch AND dispatches.target = ?)'
  const where = [
    ...sameInstance(query),
    ...given(ofTarget, query.target),
    ...isGone(query.gone),
    ...given('state = ?', query.state),
  ]
  return page(db, query, { table: 'runners', order: 'oldest first', where, read: runners.read })
}

/** Events, the last appended first, or those after one of them in their order. */
export function listEvents(db: Sql, query: Query<'events'>) {
  const { job, types, after } = query
  const where = [
    ...sameInstance(query),
    ...sameTarget(query),
    ...given('job_id = ?', job?.id),
    ...given('job_round = ?', job?.round),
    ...given('dispatch = ?', query.dispatch),
    ...given('runner = ?', query.runner),
    // One alone is found by its index; of several the way through all of them, in their order, is the shorter one.
    ...(types?.length === 1
      ? given('type = ?', types[0])
      : given("(type || '') IN (SELECT value FROM json_each(?))", types && JSON.stringify(types))),
    ...given('at >= ?', query.since),
    ...given('at < ?', query.until),
    ...given('seq > ?', after === undefined ? undefined : eventSeq(after)),
  ]
  const order = after === undefined ? 'newest first' : 'oldest first'
  return page(db, query, { table: 'events', order, where, read: storedEvent })
}

function storedEvent(row: Row): StoredEvent {
  return { ...events.read(row), id: String(row.seq) }
}

function given(sql: string, value: Cell | undefined): Conditions {
  return value === undefined ? [] : [[sql, value]]
}

function sameInstance({ instance }: ListQuery): Conditions {
  return given('instance = ?', instance)
}

function sameTarget({ target }: ListQuery): Conditions {
  return given('target = ?', target)
}

function isGone(gone: boolean | undefined): Conditions {
  return gone === undefined ? [] : [[gone ? 'gone_at IS NOT NULL' : 'gone_at IS NULL']]
}

function* page<T>(db: Sql, { cursor, limit }: ListQuery, { table, order, where, read }: List<T>): Work<Page<T>> {
  const [after, direction] = order === 'oldest first' ? ['seq > ?', 'ASC'] : ['seq < ?', 'DESC']
  const conditions = [...where, ...given(after, cursor === undefined ? undefined : decode(cursor))]
  const sql = conditions.length > 0 ? `WHERE ${conditions.map(([condition]) => condition).join(' AND ')}` : ''
  const values = conditions.flatMap(([, value]) => (value === undefined ? [] : [value]))
  const most = Math.min(Math.max(limit, 1), 500)
  // One more than asked for tells whether there is a next page.
  const rows = yield* db.all(`SELECT * FROM ${table} ${sql} ORDER BY seq ${direction} LIMIT ?`, ...values, most + 1)
  const items = rows.slice(0, most)
  return { items: items.map(read), next: rows.length > most ? encode(Number(items.at(-1)?.seq)) : null }
}

function eventSeq(id: string): number {
  if (!/^\d{1,15}$/.test(id)) throw new BadCursor(`"${id}" is no id of an event: take the \`id\` of one, as it is`)
  return Number(id)
}

function encode(seq: number): string {
  return Buffer.from(String(seq)).toString('base64url')
}

function decode(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString()
  if (!/^\d{1,15}$/.test(text))
    throw new BadCursor(`"${cursor}" is no cursor of a list: take the \`next\` of a page, as it is`)
  return Number(text)
}
