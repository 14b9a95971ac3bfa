import type { Job } from '../../core/job.ts'
import type { ShownJob } from '../store.ts'
import type { Row, Sql, Work } from './sql.ts'
import { jobs } from './tables.ts'
import { shownJobs } from './verdicts.ts'

/** The newest round of a job; null when the job is not known. */
export function* newestRound(db: Sql, instance: string, id: string): Work<Job | null> {
  const row = yield* newest(db, instance, id)
  return row ? jobs.read(row) : null
}

export function* oneRound(db: Sql, instance: string, id: string, round: number): Work<Job | null> {
  const row = yield* one(db, instance, id, round)
  return row ? jobs.read(row) : null
}

/** The newest round, or the one asked for, with why it has, or has not, a runner. */
export function* shownRound(db: Sql, instance: string, id: string, round?: number): Work<ShownJob | null> {
  const row = round === undefined ? yield* newest(db, instance, id) : yield* one(db, instance, id, round)
  if (!row) return null
  const [shown = null] = yield* shownJobs(db, [row])
  return shown
}

function newest(db: Sql, instance: string, id: string): Work<Row | undefined> {
  return db.get('SELECT * FROM jobs WHERE instance = ? AND id = ? ORDER BY round DESC LIMIT 1', instance, id)
}

function one(db: Sql, instance: string, id: string, round: number): Work<Row | undefined> {
  return db.get('SELECT * FROM jobs WHERE instance = ? AND id = ? AND round = ?', instance, id, round)
}
