import { type KeptOfInstance, shownVerdict, type VerdictChanges } from '../../core/kept-verdicts.ts'
import type { Verdict } from '../../core/verdict.ts'
import type { ShownJob } from '../store.ts'
import { requireEpoch } from './instances.ts'
import type { Row, Sql, Work } from './sql.ts'
import { events, jobs } from './tables.ts'

/** Verdicts stand beside a job's facts: they are what a turn made of these, so its version is not raised by them. */
export function* saveVerdicts(
  db: Sql,
  instance: string,
  epoch: number,
  { verdicts, beyond, events: told }: VerdictChanges,
): Work<void> {
  yield* requireEpoch(db, instance, epoch)
  for (const { job, verdict } of verdicts) {
    yield* db.run(
      'UPDATE jobs SET verdict = ?, verdict_told = ? WHERE instance = ? AND id = ? AND round = ?',
      ...[verdict.kind, JSON.stringify(verdict), instance, job.id, job.round],
    )
  }
  if (beyond !== null) yield* db.run('UPDATE instances SET beyond = ? WHERE name = ?', JSON.stringify(beyond), instance)
  for (const event of told) yield* events.append(db, event)
}

/** What the last turn said of this job; null where none has. */
export function keptVerdict({ verdict_told: told }: Row): Verdict | null {
  return typeof told === 'string' ? (JSON.parse(told) as Verdict) : null
}

/** The targets whose queue went on beyond the window. */
export function keptBeyond(row: Row | undefined): ReadonlySet<string> {
  return new Set(JSON.parse(String(row?.beyond ?? '[]')) as string[])
}

/** Jobs with why they have, or have not, a runner. */
export function* shownJobs(db: Sql, rows: readonly Row[]): Work<ShownJob[]> {
  const names = JSON.stringify([...new Set(rows.map(({ instance }) => instance))])
  const known = yield* db.all(
    'SELECT name, paused, beyond FROM instances WHERE name IN (SELECT value FROM json_each(?))',
    names,
  )
  const instances = new Map(known.map((row): [string, KeptOfInstance] => [String(row.name), ofInstance(row)]))
  return rows.map((row) => {
    const job = jobs.read(row)
    return {
      ...job,
      verdict: shownVerdict(job, keptVerdict(row), instances.get(job.instance) ?? ofInstance(undefined)),
    }
  })
}

function ofInstance(row: Row | undefined): KeptOfInstance {
  return { paused: row?.paused === 1, beyond: keptBeyond(row) }
}
