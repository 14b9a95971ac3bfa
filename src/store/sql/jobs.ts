import type { Job } from '../../core/job.ts'
import type { Sql, Work } from './sql.ts'
import { jobs } from './tables.ts'

/** The newest round of a job; null when the job is not known. */
export function* newestRound(db: Sql, instance: string, id: string): Work<Job | null> {
  const row = yield* db.get(
    'SELECT * FROM jobs WHERE instance = ? AND id = ? ORDER BY round DESC LIMIT 1',
    instance,
    id,
  )
  return row ? jobs.read(row) : null
}

export function* oneRound(db: Sql, instance: string, id: string, round: number): Work<Job | null> {
  const row = yield* db.get('SELECT * FROM jobs WHERE instance = ? AND id = ? AND round = ?', instance, id, round)
  return row ? jobs.read(row) : null
}
