import type { DeliverySummary, HistoryQuery, JobCount, Moment, Overview, Pause, RunnerCount, Sample } from '../store.ts'
import { pauseOf } from './instances.ts'
import type { Row, Sql, Work } from './sql.ts'
import { backoffs } from './tables.ts'

const jobCounts = `
  SELECT instance, target, state, unassigned, count(*) AS jobs, min(coalesce(seen_queued_at, first_seen_at)) AS oldest_at
  FROM jobs WHERE state IN ('waiting', 'queued', 'running') GROUP BY instance, target, state, unassigned`

/** As `core/dispatch.ts` says: pending until its cover has ended; one that is not sent yet covers without end. */
const isPending = `(CASE
  WHEN d.cover_ended_at IS NOT NULL THEN d.cover_ended_at > ?
  ELSE d.sent_at IS NULL OR d.sent_at + d.boot_timeout > ? END)`

const runnerCounts = `
  SELECT instance, target, dispatcher, shown, count(*) AS runners FROM (
    SELECT d.instance, d.target, d.dispatcher,
      CASE
        WHEN d.runner IS NULL THEN CASE WHEN ${isPending} THEN 'booting' ELSE 'unseen' END
        WHEN r.state IN ('idle', 'busy') THEN r.state
        ELSE 'unseen'
      END AS shown
    FROM dispatches d LEFT JOIN runners r ON r.instance = d.instance AND r.name = d.runner
    WHERE d.gone_at IS NULL
  ) AS live GROUP BY instance, target, dispatcher, shown`

/** Four statements, whatever there is; their rows are as many as there are targets and states. */
export function* readOverview(db: Sql, now: number): Work<Overview> {
  const instances = yield* db.all('SELECT * FROM instances')
  const jobs = yield* db.all(jobCounts)
  const runners = yield* db.all(runnerCounts, now, now)
  const breakers = yield* db.all("SELECT * FROM backoffs WHERE key LIKE 'breaker/%'")
  return {
    jobs: jobs.map(jobCount),
    runners: runners.map(runnerCount),
    deliveries: new Map(instances.map((row) => [String(row.name), delivered(row)])),
    paused: new Map(
      instances.flatMap((row): [string, Pause][] => {
        const pause = pauseOf(row)
        return pause ? [[String(row.name), pause]] : []
      }),
    ),
    breakers: breakers.map(backoffs.read),
  }
}

function jobCount({ instance, target, state, unassigned, jobs, oldest_at }: Row): JobCount {
  const where = { instance, target, state, unassigned } as Pick<
    JobCount,
    'instance' | 'target' | 'state' | 'unassigned'
  >
  return { ...where, jobs: Number(jobs), oldestAt: Number(oldest_at) }
}

function runnerCount({ instance, target, dispatcher, shown, runners }: Row): RunnerCount {
  const where = { instance, target, dispatcher, state: shown } as Omit<RunnerCount, 'runners'>
  return { ...where, runners: Number(runners) }
}

function delivered({ name, delivered_at, job_event_at }: Row): DeliverySummary {
  const at = (value: Row[string] | undefined) => (value === null || value === undefined ? null : Number(value))
  return { instance: String(name), lastAt: at(delivered_at), lastJobEventAt: at(job_event_at) }
}

const insert = `
  INSERT INTO samples (at, instance, target, queued, booting, idle, busy, max) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (at, instance, target) DO NOTHING`

const hour = 60 * 60_000

export function* writeSamples(db: Sql, samples: readonly Sample[]): Work<void> {
  const now = samples[0]?.at
  if (now === undefined) return
  // What is older than six hours is kept each tenth minute, for a day.
  yield* db.run('DELETE FROM samples WHERE at < ? OR (at < ? AND at % 600000 <> 0)', now - 24 * hour, now - 6 * hour)
  for (const { at, instance, target, queued, booting, idle, busy, max } of samples)
    yield* db.run(insert, at, instance, target, queued, booting, idle, busy, max)
}

/** The rows of all instances together tell when samples were taken: what has no row of its own then was nothing. */
export function* readHistory(db: Sql, { instance = '', target, since }: HistoryQuery): Work<Moment[]> {
  const rows = yield* db.all(
    `SELECT whole.at, coalesce(sum(s.queued), 0) AS queued, coalesce(sum(s.booting), 0) AS booting,
       coalesce(sum(s.idle), 0) AS idle, coalesce(sum(s.busy), 0) AS busy, coalesce(sum(s.max), 0) AS max
     FROM samples whole LEFT JOIN samples s ON s.at = whole.at AND s.instance = ? ${target === undefined ? '' : 'AND s.target = ?'}
     WHERE whole.instance = '' AND whole.at >= ? GROUP BY whole.at ORDER BY whole.at`,
    ...(target === undefined ? [instance, since] : [instance, target, since]),
  )
  return rows.map(({ at, queued, booting, idle, busy, max }) => ({
    at: Number(at),
    queued: Number(queued),
    booting: Number(booting),
    idle: Number(idle),
    busy: Number(busy),
    max: Number(max),
  }))
}
