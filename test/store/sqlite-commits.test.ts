import { expect, test } from 'vitest'
import { commitsTo } from '../../src/store/sqlite/commits.ts'
import { connect } from '../../src/store/sqlite/database.ts'
import { keepHealth } from '../../src/store/sqlite/health.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { DeliveryRecord, Store } from '../../src/store/store.ts'
import { aDeliveredJob, aDelivery, aDispatch, at } from '../support/builders.ts'
import { idsOf, save } from '../support/store.ts'
import { commitsIn, storeFiles } from '../support/store-files.ts'

const newFile = storeFiles()

/** Fills the file up to its limit; answers the ids of the jobs that were recorded. */
async function fill(store: Store): Promise<{ recorded: string[]; refusal: unknown }> {
  const recorded: string[] = []
  for (let index = 0; ; index++) {
    const id = `fill-${index}`
    const refusal = await store.recordDelivery(big(id)).then(
      () => null,
      (error: unknown) => error,
    )
    if (refusal) return { recorded, refusal }
    recorded.push(id)
  }
}

const big = (id: string, characters = 20_000): DeliveryRecord =>
  aDelivery({ id, jobs: [aDeliveredJob({ id, state: 'finished', name: 'x'.repeat(characters) })] })

test('commits the deliveries of one moment together', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  const before = commitsIn(path)
  await Promise.all(Array.from({ length: 200 }, () => store.recordDelivery(aDelivery())))
  expect(commitsIn(path) - before).toBe(1)
  await store.recordDelivery(aDelivery())
  expect(commitsIn(path) - before).toBe(2)
  await store.close()
})

test('commits a burst of outcomes together', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  const dispatches = Array.from({ length: 200 }, () => aDispatch({ state: 'intended' }))
  await save(store, { dispatches })
  const before = commitsIn(path)
  await Promise.all(dispatches.map(({ id }) => store.settle(id, { kind: 'sent', at: at('12:00:01') })))
  expect(commitsIn(path) - before).toBe(1)
  await store.close()
})

test('answers a delivery only when its commit is in the file', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  const before = commitsIn(path)
  const recorded = store.recordDelivery(aDelivery()).then(() => commitsIn(path) - before)
  expect(commitsIn(path) - before).toBe(0)
  expect(await recorded).toBe(1)
  await store.close()
})

test('says that it is unavailable when the disk is full, and still reads', async () => {
  const store = await openSqliteStore({ path: newFile(), maxBytes: 400_000 })
  const { recorded, refusal } = await fill(store)
  expect(refusal).toMatchObject({ name: 'StoreUnavailable', message: expect.stringContaining('full') })
  expect(recorded.length).toBeGreaterThan(0)
  expect(idsOf((await store.jobs({ limit: 500 })).items)).toEqual(recorded)
  await store.close()
})

test('records again what it refused once there is room', async () => {
  const store = await openSqliteStore({ path: newFile(), maxBytes: 400_000 })
  const { recorded } = await fill(store)
  const refused = `fill-${recorded.length}`
  expect(await store.job('main', refused)).toBeNull()
  await store.prune(at('12:00:01'))
  expect(await store.recordDelivery(big(refused))).toBe('recorded')
  await store.close()
})

test('lets one delivery that cannot be written sink no other of its commit', async () => {
  const store = await openSqliteStore({ path: newFile(), maxBytes: 400_000 })
  const deliveries = [aDelivery(), big('too big', 1_000_000), aDelivery()]
  const answers = await Promise.allSettled(deliveries.map(store.recordDelivery))
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(answers[1]).toMatchObject({ reason: { name: 'StoreUnavailable' } })
  expect(await store.recordDelivery(deliveries[2]!)).toBe('duplicate')
  await store.close()
})

test('answers nobody whose commit fails at its very end, and writes the others alone', async () => {
  const db = connect(':memory:', 0)
  db.exec('CREATE TABLE notes (text)')
  let failures = 2
  const failing = {
    ...db,
    exec(sql: string) {
      if (sql === 'COMMIT' && failures-- > 0) throw Object.assign(new Error('disk I/O error'), { errcode: 10 })
      db.exec(sql)
    },
  }
  const told: string[] = []
  const health = keepHealth({ ballast: null, checkpoint: () => undefined, told: (now) => told.push(now) })
  const { commit } = commitsTo(failing, health.failed, setImmediate)
  const note = (text: string) => commit((sql) => sql.run('INSERT INTO notes VALUES (?)', text))
  const answers = await Promise.allSettled(['first', 'second'].map(note))
  expect(answers).toMatchObject([{ reason: { name: 'StoreUnavailable' } }, { status: 'fulfilled' }])
  expect(db.all('SELECT text FROM notes')).toMatchObject([{ text: 'second' }])
  expect(told).toEqual(['failing'])
  db.close()
})
