import type { Sql, Work } from './sql.ts'

/** Rows that one commit forgets at most, so that deliveries never wait long behind it. */
const batch = 1_000

/** Deliveries and events are logs: the oldest come first, so that a look at the first ones is enough. */
const ofLog = (table: string, moment: string) =>
  `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table} ORDER BY seq LIMIT ${batch}) AND ${moment} < ?`

const ofTable = (table: string, index: string, condition: string) =>
  `DELETE FROM ${table} WHERE seq IN (SELECT seq FROM ${table} INDEXED BY ${index} WHERE ${condition} LIMIT ${batch})`

/** So many events are remembered at most. */
export const mostEvents = 1_000_000

/** The last one stays, however old it is: ids are counted on from it, so they never come twice. */
function ofEvents(): string {
  const last = '(SELECT max(seq) FROM events)'
  return `DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ${batch})
    AND (at < ? OR seq <= ${last} - ${mostEvents}) AND seq < ${last}`
}

/** What is forgotten, each with the one moment before which it is. */
export const pruneStatements: readonly string[] = [
  ofLog('deliveries', 'received_at'),
  ofEvents(),
  ofTable('jobs', 'jobs_finished', `state = 'finished' AND coalesce(seen_finished_at, first_seen_at) < ?`),
  ofTable('dispatches', 'dispatches_gone', 'gone_at < ?'),
  ofTable('runners', 'runners_gone', 'gone_at < ?'),
  ofLog('request_keys', 'at'),
  'DELETE FROM requests WHERE asked_at < ?',
  'DELETE FROM backoffs WHERE until < ?',
]

/** Forgets one batch; answers whether there may be more. */
export function* pruneBatch(db: Sql, statement: string, before: number): Work<boolean> {
  return (yield* db.run(statement, before)) >= batch
}
