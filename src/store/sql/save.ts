import type { Event, EventType } from '../../core/event.ts'
import type { Changes } from '../../core/facts.ts'
import { jobKey } from '../../core/job.ts'
import { requireEpoch } from './instances.ts'
import type { Sql, Work } from './sql.ts'
import { backoffs, dispatches, events, jobs, runners } from './tables.ts'

const runnerStates: ReadonlySet<EventType> = new Set([
  'runner_registered',
  'runner_idle',
  'runner_busy',
  'runner_offline',
  'runner_gone',
])

/**
 * Writes what a turn found out. A row that somebody wrote since the turn read it is dropped, and so are the events that speak of it:
 * the next turn finds out anew. It rings no bell: the turn goes on by itself, and what made a row newer has rung already.
 */
export function* saveChanges(db: Sql, instance: string, epoch: number, changes: Changes): Work<void> {
  yield* requireEpoch(db, instance, epoch)
  const dropped = { jobs: new Set<string>(), dispatches: new Set<string>(), runners: new Set<string>() }
  for (const job of changes.jobs) if (!(yield* jobs.write(db, job))) dropped.jobs.add(jobKey(job))
  for (const row of changes.dispatches) if (!(yield* dispatches.write(db, row))) dropped.dispatches.add(row.id)
  for (const row of changes.runners) if (!(yield* runners.write(db, row))) dropped.runners.add(row.name)
  const speaksOfDropped = ({ type, job, dispatch, runner }: Event) =>
    (runner !== null && dropped.runners.has(runner)) ||
    // What a runner did is in the trail of a job and of a dispatch, and happened whatever became of those.
    (!runnerStates.has(type) &&
      ((job !== null && dropped.jobs.has(jobKey(job))) || (dispatch !== null && dropped.dispatches.has(dispatch))))
  for (const backoff of changes.backoffs) yield* backoffs.put(db, backoff)
  yield* clearBackoffs(db, changes.cleared)
  for (const event of changes.events) if (!speaksOfDropped(event)) yield* events.append(db, event)
}

export function* clearBackoffs(db: Sql, keys: readonly string[]): Work<void> {
  for (const key of keys) yield* db.run('DELETE FROM backoffs WHERE key = ?', key)
}
