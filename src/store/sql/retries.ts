import type { Backoff } from '../../core/backoff.ts'
import type { Dispatch } from '../../core/dispatch.ts'
import { eventAbout } from '../../core/event.ts'
import type { Job } from '../../core/job.ts'
import { retry } from '../../core/retry.ts'
import type { RetryAsked, RetryOutcome } from '../store.ts'
import type { Ring } from './commits.ts'
import { isPaused } from './instances.ts'
import { newestRound } from './jobs.ts'
import { clearBackoffs } from './save.ts'
import type { Sql, Work } from './sql.ts'
import { backoffs, dispatches, events, jobs } from './tables.ts'

/** Takes away what keeps the newest round of a job from its next runner. Where there is nothing to take away, nothing is written. */
export function* retryJob(db: Sql, ring: Ring, asked: RetryAsked): Work<RetryOutcome | null> {
  const { instance, id, targets, at, by } = asked
  const job = yield* newestRound(db, instance, id)
  if (!job) return null
  const target = targets.find(({ name }) => name === job.target) ?? null
  const rows = {
    job,
    dispatches: yield* liveDispatches(db, job),
    backoffs: yield* holding(db, instance),
    paused: yield* isPaused(db, instance),
  }
  const changes = retry(rows, target, at)
  if (typeof changes === 'string') return { kind: 'nothing', why: changes, job }
  if (changes.job !== job) yield* jobs.put(db, changes.job)
  for (const dispatch of changes.dispatches) yield* dispatches.put(db, dispatch)
  for (const backoff of changes.backoffs) yield* backoffs.put(db, backoff)
  yield* clearBackoffs(db, changes.cleared)
  const about = { at, instance, job, target: job.target }
  yield* events.append(db, eventAbout('job_retried', about, { by, effects: changes.effects.join(', ') }))
  ring(instance)
  return { kind: 'retried', effects: changes.effects, job: changes.job }
}

function* liveDispatches(db: Sql, { instance, id, round }: Job): Work<Dispatch[]> {
  const rows = yield* db.all(
    'SELECT * FROM dispatches WHERE instance = ? AND gone_at IS NULL AND job_id = ? AND job_round = ?',
    ...[instance, id, round],
  )
  return rows.map(dispatches.read)
}

/** The back-offs of an instance, and the breakers of all dispatchers. */
function* holding(db: Sql, instance: string): Work<Map<string, Backoff>> {
  const rows = yield* db.all("SELECT * FROM backoffs WHERE instance IN (?, '')", instance)
  return new Map(rows.map(backoffs.read).map((backoff) => [backoff.key, backoff]))
}
