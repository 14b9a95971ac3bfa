import { DatabaseSync } from 'node:sqlite'
import { openSqliteStore } from '../src/store/sqlite.ts'
import { median, row } from './figures.ts'
import { deliver } from './intake.ts'
import { startService } from './service.ts'

const rounds = 7
const million = 1_000_000

/** What events cost: the same deliveries with and without their rows, and a job explained among a million of them. */
export async function eventsBench(): Promise<void> {
  console.log(`events: ${rounds} rounds of signed deliveries, with and without event rows`)
  const told = await startService()
  const silent = await startService({ prepare: withoutEvents })
  const ratios: number[] = []
  const both: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in a round would always have the colder caches.
    const [first, second] = round % 2 === 0 ? [told, silent] : [silent, told]
    const one = await deliver(first.app.publicPort)
    const other = await deliver(second.app.publicPort)
    const [withRows, withoutRows] = round % 2 === 0 ? [one, other] : [other, one]
    both[0].push(...withRows)
    both[1].push(...withoutRows)
    ratios.push(median(withRows) / median(withoutRows))
  }
  row('intake with events', both[0])
  row('intake without', both[1])
  console.log(
    `  ratio of the medians: ${median(ratios).toFixed(3)} (by round: ${ratios.map((one) => one.toFixed(2)).join(', ')})`,
  )
  await told.stop()
  await silent.stop()
  await explainBench()
}

async function explainBench(): Promise<void> {
  const service = await startService({ prepare: (file) => filled(file, million) })
  const took: number[] = []
  for (let asked = 0; asked < 200; asked++) {
    const began = performance.now()
    const answer = await fetch(`http://127.0.0.1:${service.app.adminPort}/api/v1/jobs/bench/${(asked * 4_999) % jobs}`)
    const job = (await answer.json()) as { trail: unknown[] }
    if (job.trail.length === 0) throw new Error('no trail was found')
    took.push(performance.now() - began)
  }
  row(`explain among ${million.toLocaleString('en')} events`, took)
  console.log('')
  await service.stop()
}

/** The schema as it is, and a trigger that drops each event. */
async function withoutEvents(file: string): Promise<void> {
  await withFile(file, (db) => db.exec('CREATE TRIGGER silent BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END'))
}

const jobs = 50_000

/** Fifty thousand finished jobs with twenty events each. */
async function filled(file: string, events: number): Promise<void> {
  await withFile(file, (db) => {
    const now = Date.now()
    db.exec('BEGIN')
    const job = db.prepare(
      `INSERT INTO jobs (instance, id, round, state, conclusion, name, labels, target, first_seen_at, seen_queued_at,
         seen_running_at, seen_finished_at, announced_queued, start_spent, dispatches, version)
       VALUES ('bench', ?, 1, 'finished', 'success', 'build', '["linux"]', 'linux', ?1, ?1, ?1, ?1, 1, 1, 1, 1)`.replace(
        /\?1/g,
        String(now),
      ),
    )
    for (let id = 0; id < jobs; id++) job.run(String(id))
    const event = db.prepare(
      `INSERT INTO events (type, at, instance, job_id, job_round, target, dispatch, runner, detail)
       VALUES (?, ?, 'bench', ?, 1, 'linux', ?, ?, '{"reason":"max","live":10,"max":10}')`,
    )
    for (let number = 0; number < events; number++) {
      const id = number % jobs
      event.run('verdict_changed', now - events + number, String(id), `dispatch-${id}`, `muster-${id}`)
    }
    db.exec('COMMIT')
  })
}

async function withFile(path: string, work: (db: DatabaseSync) => void): Promise<void> {
  const store = await openSqliteStore({ path })
  await store.close()
  const db = new DatabaseSync(path)
  work(db)
  db.close()
}
