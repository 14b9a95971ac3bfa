import type { Event } from '../../core/event.ts'
import type { Changes } from '../../core/facts.ts'
import { jobKey } from '../../core/job.ts'
import type { Database } from './database.ts'
import { requireEpoch } from './instances.ts'
import { backoffs, dispatches, events, jobs, runners } from './tables.ts'

/**
 * Writes what a turn found out. A row that somebody wrote since the turn read it is dropped, and so are the events that speak of it:
 * the next turn finds out anew. It rings no bell: the turn goes on by itself, and what made a row newer has rung already.
 */
export function saveChanges(db: Database, instance: string, epoch: number, changes: Changes): void {
  requireEpoch(db, instance, epoch)
  const dropped = {
    jobs: new Set(changes.jobs.filter((job) => !jobs.write(db, job)).map(jobKey)),
    dispatches: new Set(changes.dispatches.filter((row) => !dispatches.write(db, row)).map((row) => row.id)),
    runners: new Set(changes.runners.filter((row) => !runners.write(db, row)).map((row) => row.name)),
  }
  const speaksOfDropped = ({ job, dispatch, runner }: Event) =>
    (job !== null && dropped.jobs.has(jobKey(job))) ||
    (dispatch !== null && dropped.dispatches.has(dispatch)) ||
    (runner !== null && dropped.runners.has(runner))
  for (const backoff of changes.backoffs) backoffs.put(db, backoff)
  clearBackoffs(db, changes.cleared)
  for (const event of changes.events) if (!speaksOfDropped(event)) events.append(db, event)
}

export function clearBackoffs(db: Database, keys: readonly string[]): void {
  for (const key of keys) db.run('DELETE FROM backoffs WHERE key = ?', key)
}
