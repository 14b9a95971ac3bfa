import { backoffKey } from '../../core/backoff.ts'
import type { Circumstances } from '../../core/explain.ts'
import type { ShownJob, TargetWaits } from '../store.ts'
import { count, moment } from './cells.ts'
import { liveStatements } from './dispatches.ts'
import { readPause } from './instances.ts'
import type { Row, Sql, Work } from './sql.ts'
import { backoffs, dispatches, runners } from './tables.ts'

/** So many waits of each kind are worth a summary. */
const mostWaits = 200

/** What is asked to explain a job, and to sum up the waits of a target: each finds its rows by an index. */
export const circumstanceStatements = {
  live: `SELECT count(*) AS number, min(sent_at + ttl) AS ends FROM dispatches INDEXED BY dispatches_live
     WHERE instance = ? AND target = ? AND gone_at IS NULL`,
  retries: `SELECT count(*) AS number FROM dispatches JOIN backoffs
     ON backoffs.key = 'idled/' || dispatches.instance || '/job/' || dispatches.job_id || '/' || dispatches.job_round
     WHERE dispatches.instance = ? AND dispatches.target = ? AND dispatches.gone_at IS NULL`,
  ahead: `SELECT count(*) AS number FROM jobs WHERE instance = ?1 AND state = 'queued' AND target = ?2
     AND (verdict IS NULL OR verdict = 'full')
     AND (coalesce(seen_queued_at, first_seen_at) < ?3 OR coalesce(seen_queued_at, first_seen_at) = ?3
       AND seq < (SELECT seq FROM jobs WHERE instance = ?1 AND id = ?4 AND round = ?5))`,
  held: 'SELECT * FROM backoffs WHERE key IN (SELECT value FROM json_each(?))',
  dispatch: 'SELECT * FROM dispatches WHERE id = ?',
  runner: 'SELECT * FROM runners WHERE instance = ? AND name = ?',
  started: `SELECT coalesce(queued_at, seen_queued_at) AS queued, coalesce(started_at, seen_running_at) AS started,
       CASE WHEN state = 'finished' THEN coalesce(finished_at, seen_finished_at) END AS finished
     FROM jobs WHERE instance = ? AND target = ? AND seen_running_at > ? ORDER BY seen_running_at DESC LIMIT ${mostWaits}`,
  tied: `SELECT sent_at AS sent, tied_at AS tied
     FROM dispatches WHERE instance = ? AND target = ? AND tied_at > ? ORDER BY tied_at DESC LIMIT ${mostWaits}`,
}

/** What stands around a round, as of now. */
export function* readCircumstances(db: Sql, job: ShownJob, dispatchers: readonly string[]): Work<Circumstances> {
  const { instance, target, id, round, verdict } = job
  const live = target === null ? undefined : yield* db.get(circumstanceStatements.live, instance, target)
  const since = job.seenQueuedAt ?? job.firstSeenAt
  const held = yield* backoffsOf(db, job, dispatchers)
  const { dispatch = null, runner = null } = { dispatch: null, runner: null, ...verdict?.by }
  return {
    live: count(live),
    retries: target === null ? 0 : count(yield* db.get(circumstanceStatements.retries, instance, target)),
    ahead:
      target === null || job.state !== 'queued'
        ? 0
        : count(yield* db.get(circumstanceStatements.ahead, instance, target, since, id, round)),
    oldestEndsAt: moment(live?.ends),
    ofDispatcher:
      verdict?.dispatcher == null ? 0 : count(yield* db.get(liveStatements.ofDispatcher, verdict.dispatcher)),
    dispatch: read(
      dispatches.read,
      dispatch === null ? undefined : yield* db.get(circumstanceStatements.dispatch, dispatch),
    ),
    runner: read(
      runners.read,
      runner === null ? undefined : yield* db.get(circumstanceStatements.runner, instance, runner),
    ),
    backoffs: held,
    paused: yield* readPause(db, instance),
  }
}

function* backoffsOf(db: Sql, job: ShownJob, dispatchers: readonly string[]): Work<Circumstances['backoffs']> {
  const { instance, verdict } = job
  const down = verdict?.kind === 'dispatcher_down' ? verdict.reason : null
  const idled = backoffKey.idledJob(instance, job)
  const breaker = backoffKey.breaker(down ?? dispatchers[0] ?? '')
  const refused = dispatchers.map((dispatcher) => backoffKey.refusedJob(instance, job, dispatcher))
  const rows = yield* db.all(circumstanceStatements.held, JSON.stringify([idled, breaker, ...refused]))
  const found = new Map(rows.map((row) => [String(row.key), backoffs.read(row)]))
  const longest = refused.flatMap((key) => found.get(key) ?? []).sort((a, b) => b.failures - a.failures)[0]
  return { idled: found.get(idled) ?? null, breaker: found.get(breaker) ?? null, refused: longest ?? null }
}

function read<T>(reading: (row: Row) => T, row: Row | undefined): T | null {
  return row === undefined ? null : reading(row)
}

/** The waits of a target's jobs that began after `since`, the newest first. */
export function* readWaits(db: Sql, instance: string, target: string, since: number): Work<TargetWaits> {
  const started = yield* db.all(circumstanceStatements.started, instance, target, since)
  const tied = yield* db.all(circumstanceStatements.tied, instance, target, since)
  const between = (rows: readonly Row[], from: string, to: string) =>
    rows.flatMap((row) => {
      const [begin, end] = [moment(row[from]), moment(row[to])]
      return begin === null || end === null ? [] : [Math.max(0, end - begin)]
    })
  return {
    queue: between(started, 'queued', 'started'),
    boot: between(tied, 'sent', 'tied'),
    run: between(started, 'started', 'finished'),
  }
}
