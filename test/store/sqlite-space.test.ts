import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { connect } from '../../src/store/sqlite/database.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { aDeliveredJob, aDelivery, aDispatch, at } from '../support/builders.ts'
import { save } from '../support/store.ts'
import { storeFiles } from '../support/store-files.ts'

const newFile = storeFiles()

const hour = 3_600_000
const day = 24 * hour
const memory = 7 * day
const start = at('12:00:00')

/** What a day of so many jobs leaves behind: three deliveries, a dispatch with its outcomes, and the events of all that. */
async function aDay(store: Store, begins: number, jobs: number): Promise<void> {
  const works: Promise<unknown>[] = []
  const dispatches = []
  for (let index = 0; index < jobs; index++) {
    const receivedAt = begins + (index * day) / jobs
    const id = `${begins}-${index}`
    for (const state of ['queued', 'running', 'finished'] as const) {
      const job = aDeliveredJob({ id, state, runnerName: state === 'queued' ? null : `cloud-${id}` })
      works.push(store.recordDelivery(aDelivery({ id: `${id}-${state}`, receivedAt, jobs: [job] })))
    }
    dispatches.push(
      aDispatch({
        id,
        job: { id, round: 1 },
        sentAt: receivedAt,
        goneAt: receivedAt + hour,
        goneReason: 'job_finished',
      }),
    )
  }
  await Promise.all(works)
  await save(store, { dispatches })
}

/** Bytes of the file with nothing left in its log. */
async function sizeOf(path: string, store: Store): Promise<number> {
  await store.close()
  return statSync(path).size
}

test('stops growing once it is as old as what it remembers, over weeks of traffic', async () => {
  const path = newFile()
  const sizes: number[] = []
  for (let week = 0; week < 6; week++) {
    const store = await openSqliteStore({ path })
    for (let passed = 0; passed < 7; passed++) {
      const begins = start + (week * 7 + passed) * day
      await aDay(store, begins, 150)
      await store.prune(begins + day - memory)
    }
    sizes.push(await sizeOf(path, store))
  }
  const [first = 0, second = 0, ...later] = sizes
  expect(first).toBeGreaterThan(1_000_000)
  // The file is as large as a week and its oldest day; from then on it is the same pages over and over.
  expect(second).toBeLessThan(1.5 * first)
  for (const size of later) expect(size).toBeLessThan(1.05 * second)
})

test('gives the room of a storm back to the disk when it is over', async () => {
  const path = newFile()
  const quiet = await openSqliteStore({ path })
  await aDay(quiet, start, 50)
  const usual = await sizeOf(path, quiet)
  const store = await openSqliteStore({ path })
  await aDay(store, start + day, 6_000)
  const stormy = await sizeOf(path, store)
  const after = await openSqliteStore({ path })
  await aDay(after, start + 8 * day, 50)
  await after.prune(start + 3 * day)
  const later = await sizeOf(path, after)
  expect(stormy).toBeGreaterThan(8 * usual)
  expect(later).toBeLessThan(stormy / 2)
})

test('a file from before it could give room back is pruned all the same', async () => {
  const path = newFile()
  await (await openSqliteStore({ path })).close()
  const db = connect(path, 0)
  db.exec('PRAGMA auto_vacuum = NONE; VACUUM')
  db.close()
  const store = await openSqliteStore({ path })
  await aDay(store, start, 3_000)
  await store.prune(start + 3 * day)
  expect((await store.jobs({ limit: 1 })).items).toEqual([])
  await store.close()
})
