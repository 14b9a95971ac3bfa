import { backoffKey } from '../../core/backoff.ts'
import type { Facts, FactsQuery } from '../../core/facts.ts'
import { type Job, jobKey } from '../../core/job.ts'
import type { Verdict } from '../../core/verdict.ts'
import { count, moment } from './cells.ts'
import { waitingRequests } from './requests.ts'
import type { Row, Sql, Work } from './sql.ts'
import { backoffs, dispatches, jobs, runners } from './tables.ts'
import { keptBeyond, keptVerdict } from './verdicts.ts'

/** Since when a job waits, as the plan counts it; the forge's own moment orders what one look saw at once. */
const age = 'coalesce(seen_queued_at, first_seen_at), queued_at NULLS FIRST, seq'

/** Nobody needs to know how many more announced rounds there are. */
const mostAnnounced = 1_000

/**
 * Every statement of a snapshot. Each finds its rows by an index, so that a turn costs what is open and not what was ever recorded.
 * `INDEXED BY` and `CROSS JOIN` (the order of a join) stand where SQLite, which knows no statistics here, would choose another way.
 */
export const factStatements = {
  open: `SELECT * FROM jobs WHERE instance = ? AND state IN ('waiting', 'running')`,
  queued: `SELECT target, count(*) AS number FROM jobs WHERE instance = ? AND state = 'queued' GROUP BY target ORDER BY target NULLS FIRST`,
  oldest: oldestQueued('target = ?'),
  oldestUnassigned: oldestQueued('target IS NULL'),
  named: jobsOfLive('job'),
  ran: jobsOfLive('ran'),
  spent: jobsOfLive('cover_ended_by'),
  requeued: `SELECT * FROM jobs INDEXED BY jobs_requeued WHERE instance = ? AND state = 'finished' AND requeued_at IS NOT NULL`,
  unspent: `SELECT * FROM jobs INDEXED BY jobs_unspent WHERE instance = ? AND state = 'finished' AND start_spent = 0`,
  // A round that was counted as lost is not asked about again.
  unannounced: `SELECT * FROM jobs WHERE instance = ? AND announced_at IS NULL AND lost_at IS NULL AND listed_at > ?`,
  recovered: `SELECT * FROM jobs WHERE instance = ? AND recovered_at IS NOT NULL AND lost_at IS NULL AND recovered_at > ?`,
  asked: `SELECT jobs.* FROM json_each(?2) AS asked CROSS JOIN jobs ON jobs.instance = ?1 AND jobs.id = asked.value
     WHERE jobs.round = (SELECT max(round) FROM jobs WHERE instance = ?1 AND id = asked.value)`,
  dispatches: `SELECT * FROM dispatches INDEXED BY dispatches_live WHERE instance = ? AND gone_at IS NULL
     ORDER BY intended_at, seq`,
  runners: 'SELECT * FROM runners INDEXED BY runners_live WHERE instance = ? AND gone_at IS NULL ORDER BY seq',
  backoffs: `SELECT * FROM backoffs WHERE instance IN (?, '')`,
  instance: 'SELECT paused, nudged_at, job_event_at, beyond FROM instances WHERE name = ?',
  finished: `SELECT max(seen_finished_at) AS at FROM jobs WHERE instance = ? AND repository = ? AND state = 'finished'`,
  announced: `SELECT count(*) AS number FROM (
     SELECT 1 FROM jobs WHERE instance = ? AND announced_at IS NOT NULL AND first_seen_at > ? LIMIT ${mostAnnounced}) AS found`,
}

function oldestQueued(ofTarget: string): string {
  return `SELECT * FROM jobs WHERE instance = ? AND state = 'queued' AND ${ofTarget} ORDER BY ${age} LIMIT ?`
}

/** The rounds that the live dispatches of an instance refer to, whatever their state. */
function jobsOfLive(ref: 'job' | 'ran' | 'cover_ended_by'): string {
  return `SELECT jobs.* FROM dispatches JOIN jobs
     ON jobs.instance = dispatches.instance AND jobs.id = dispatches.${ref}_id AND jobs.round = dispatches.${ref}_round
     WHERE dispatches.instance = ? AND dispatches.gone_at IS NULL`
}

/** One snapshot of an instance, as of this moment. Queued jobs without a target have a window of their own. */
export function* readFacts(db: Sql, instance: string, query: FactsQuery): Work<Facts> {
  const { queued, beyond } = yield* queuedJobs(db, instance, query.window)
  const rows = [...queued, ...(yield* otherJobs(db, instance, query))]
  const found = oldestFirst(rows.map(jobs.read))
  const heldBack = yield* db.all(factStatements.backoffs, instance)
  const held = new Map(heldBack.map((row) => [String(row.key), backoffs.read(row)] as const).sort(byKey))
  const known = yield* db.get(factStatements.instance, instance)
  return {
    jobs: found,
    beyond,
    dispatches: (yield* db.all(factStatements.dispatches, instance)).map(dispatches.read),
    requests: yield* waitingRequests(db, instance),
    runners: (yield* db.all(factStatements.runners, instance)).map(runners.read),
    backoffs: held,
    paused: known?.paused === 1,
    kept: { verdicts: keptVerdicts(rows), beyond: keptBeyond(known) },
    signals: {
      nudgedAt: moment(known?.nudged_at),
      jobEventAt: moment(known?.job_event_at),
      announcedSince: count(yield* db.get(factStatements.announced, instance, query.since)),
      finishedAt: yield* lastFinished(db, instance, repositoriesHeldBack(found, held)),
    },
  }
}

function* otherJobs(db: Sql, instance: string, { ids, listedSince }: FactsQuery): Work<Row[]> {
  const rows = [
    yield* db.all(factStatements.open, instance),
    yield* db.all(factStatements.named, instance),
    yield* db.all(factStatements.ran, instance),
    yield* db.all(factStatements.spent, instance),
    yield* db.all(factStatements.requeued, instance),
    yield* db.all(factStatements.unspent, instance),
    yield* db.all(factStatements.unannounced, instance, listedSince),
    yield* db.all(factStatements.recovered, instance, listedSince),
    yield* db.all(factStatements.asked, instance, JSON.stringify(ids)),
  ]
  return rows.flat().sort(inOrder)
}

function keptVerdicts(rows: readonly Row[]): Map<string, Verdict> {
  return new Map(
    rows.flatMap((row): [string, Verdict][] => {
      const kept = keptVerdict(row)
      return kept ? [[jobKey({ id: String(row.id), round: Number(row.round) }), kept]] : []
    }),
  )
}

function byKey([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1
}

/** As they were found: what a database answers without being told an order is in none. */
function inOrder(one: Row, other: Row): number {
  return Number(one.seq) - Number(other.seq)
}

/** The repositories whose next finished run ends an idle back-off. */
function repositoriesHeldBack(found: readonly Job[], held: Facts['backoffs']): Set<string> {
  const waiting = found.filter((job) => held.has(backoffKey.idledJob(job.instance, job)))
  return new Set(waiting.flatMap(({ repository }) => repository ?? []))
}

function* lastFinished(db: Sql, instance: string, repositories: Iterable<string>): Work<Map<string, number>> {
  const last = new Map<string, number>()
  for (const repository of repositories) {
    const at = moment((yield* db.get(factStatements.finished, instance, repository))?.at)
    if (at !== null) last.set(repository, at)
  }
  return last
}

function* queuedJobs(
  db: Sql,
  instance: string,
  window: number | null,
): Work<{ queued: Row[]; beyond: Map<string, number> }> {
  const most = window ?? Number.MAX_SAFE_INTEGER
  const queued: Row[] = []
  const beyond = new Map<string, number>()
  for (const row of yield* db.all(factStatements.queued, instance)) {
    const { target = null } = row
    const rows: readonly Row[] =
      target === null
        ? yield* db.all(factStatements.oldestUnassigned, instance, most)
        : yield* db.all(factStatements.oldest, instance, target, most)
    queued.push(...rows)
    const rest = count(row) - rows.length
    if (typeof target === 'string' && rest > 0) beyond.set(target, rest)
  }
  return { queued, beyond }
}

/** Each round once; rounds that wait equally long stay in the order in which they were found. */
function oldestFirst(found: readonly Job[]): Job[] {
  const distinct = new Map(found.map((job) => [jobKey(job), job]))
  const since = (job: Job) => job.seenQueuedAt ?? job.firstSeenAt
  return [...distinct.values()].sort((one, other) => since(one) - since(other))
}
