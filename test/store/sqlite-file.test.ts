import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { migrations } from '../../src/store/sql/migrations.ts'
import { setAside } from '../../src/store/sqlite/aside.ts'
import { connect } from '../../src/store/sqlite/database.ts'
import { openFile } from '../../src/store/sqlite/file.ts'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { aDeliveredJob, aDelivery, at } from '../support/builders.ts'
import { storeFiles } from '../support/store-files.ts'

const newFile = storeFiles()
const otherProcess = fileURLToPath(new URL('../support/store-process.ts', import.meta.url))

/** Changes a file behind the store's back. */
function tamper(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

async function aFile(jobs = 1): Promise<string> {
  const path = newFile()
  const store = await openSqliteStore({ path })
  for (let id = 1; id <= jobs; id++) {
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: String(id) })] }))
  }
  await store.close()
  return path
}

test('finds again what an earlier process recorded', async () => {
  const store = await openSqliteStore({ path: await aFile() })
  expect(await store.job('main', '1')).not.toBeNull()
  await store.close()
})

// No test can cut the power; a `kill -9` alone would also be survived without this.
test('has each commit on the disk before it goes on, with a full fsync', () => {
  const db = openFile(newFile(), null)
  const setting = (name: string) => db.get(`PRAGMA ${name}`)?.[name]
  expect([setting('journal_mode'), setting('synchronous')]).toEqual(['wal', 2])
  db.close()
})

test('makes a file that only its user can read, and leaves one file behind', async () => {
  const path = await aFile()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  for (const rest of ['-wal', '-shm', '-journal'])
    expect(statSync(path + rest, { throwIfNoEntry: false })).toBeUndefined()
})

test('writes what was asked for before it closes', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  const recorded = store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1' })] }))
  await store.close()
  expect(await recorded).toBe('recorded')
  const again = await openSqliteStore({ path })
  expect(await again.job('main', '1')).not.toBeNull()
  await again.close()
})

test('refuses a second process, and names the file and who holds it', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  const second = await promisify(execFile)(process.execPath, [otherProcess, path]).catch((error) => error)
  expect(second.code).toBe(1)
  expect(second.stdout).toContain(`StoreUnusable: ${path} is in use by`)
  if (process.platform === 'linux') expect(second.stdout).toContain(`process ${process.pid}`)
  expect(await store.recordDelivery(aDelivery())).toBe('recorded')
  await store.close()
})

test('refuses to open its file twice in one process, and the first one goes on', async () => {
  const path = newFile()
  const store = await openSqliteStore({ path })
  await expect(openSqliteStore({ path })).rejects.toMatchObject({ name: 'StoreUnusable' })
  expect(await store.recordDelivery(aDelivery())).toBe('recorded')
  const second = await promisify(execFile)(process.execPath, [otherProcess, path]).catch((error) => error)
  expect(second.stdout).toContain('StoreUnusable')
  await store.close()
})

test('refuses a file with a newer schema, and says what to do', async () => {
  const path = await aFile()
  tamper(path, `PRAGMA user_version = ${migrations.length + 1}`)
  await expect(openSqliteStore({ path })).rejects.toMatchObject({
    name: 'StoreUnusable',
    message: expect.stringMatching(/newer muster.*Start the newer version/),
  })
})

test("refuses another program's database and leaves it as it was", async () => {
  const path = newFile()
  tamper(path, 'CREATE TABLE theirs (x)')
  const before = readFileSync(path)
  await expect(openSqliteStore({ path })).rejects.toMatchObject({
    name: 'StoreUnusable',
    message: expect.stringContaining('another program'),
  })
  expect(readFileSync(path)).toEqual(before)
})

test('refuses a file that is no database', async () => {
  const path = newFile()
  writeFileSync(path, 'listen: ":8090"\n'.repeat(100))
  await expect(openSqliteStore({ path })).rejects.toMatchObject({
    name: 'StoreUnusable',
    message: expect.stringMatching(/is not a database\. Point `state` at a file of muster's own, .*--rebuild-state/),
  })
})

test('refuses a damaged file, and says how to start anew', async () => {
  const path = await aFile(50)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xff, 3 * 4096, 4 * 4096))
  await expect(openSqliteStore({ path })).rejects.toMatchObject({
    name: 'StoreUnusable',
    message: expect.stringMatching(/is damaged .* `muster serve --rebuild-state` sets the file and its -wal aside/),
  })
})

test.each([
  ['a damaged file', (path: string) => writeFileSync(path, readFileSync(path).fill(0xff, 3 * 4096, 4 * 4096))],
  ['a file that is no database', (path: string) => writeFileSync(path, 'listen: ":8090"\n'.repeat(100))],
])('sets %s aside where it may, and begins with an empty one that remembers it', async (_, spoil) => {
  const path = await aFile(50)
  spoil(path)
  const { size } = statSync(path)
  const told: string[] = []
  const rebuild = { at: at('12:00:00'), told: (aside: string) => told.push(aside) }
  const store = await openSqliteStore({ path, rebuild })
  expect(told).toEqual([expect.stringContaining(`${path}.damaged-`)])
  expect(statSync(told[0]!)).toMatchObject({ size })
  expect(await store.job('main', '1')).toBeNull()
  expect((await store.events({ after: '0', limit: 1 })).items).toMatchObject([
    { type: 'state_rebuilt', at: at('12:00:00'), instance: '' },
  ])
  await store.close()
  await (await openSqliteStore({ path, rebuild })).close()
  expect(told).toHaveLength(1)
})

test('sets aside what lies beside the file, too', () => {
  const path = newFile()
  for (const rest of ['', '-wal']) writeFileSync(path + rest, `content${rest}`)
  const aside = setAside(path, at('12:00:00'))
  expect(aside).toMatch(/\.damaged-2026-03-02T12-00-00\.000Z$/)
  for (const rest of ['', '-wal']) expect(readFileSync(aside + rest, 'utf8')).toBe(`content${rest}`)
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
})

test('sets nothing aside that is sound, newer, or of another program', async () => {
  const rebuild = { at: at('12:00:00'), told: () => expect.unreachable() }
  const sound = await aFile()
  const store = await openSqliteStore({ path: sound, rebuild })
  expect(await store.job('main', '1')).not.toBeNull()
  await store.close()
  tamper(sound, 'PRAGMA user_version = 1000')
  const theirs = newFile()
  tamper(theirs, 'CREATE TABLE theirs (x)')
  for (const path of [sound, theirs])
    await expect(openSqliteStore({ path, rebuild })).rejects.toMatchObject({ name: 'StoreUnusable' })
})

test('keeps room beside its file', async () => {
  const path = await aFile()
  expect(statSync(`${path}-ballast`)).toMatchObject({ size: 4 * 1024 * 1024 })
  expect(statSync(`${path}-ballast`).mode & 0o777).toBe(0o600)
})

test('refuses a folder that is not there', async () => {
  const path = `${newFile()}/missing/muster.db`
  await expect(openSqliteStore({ path })).rejects.toMatchObject({
    name: 'StoreUnusable',
    message: expect.stringContaining(`${path} cannot be created`),
  })
})

test('refuses a folder in the place of its file', async () => {
  const path = newFile()
  mkdirSync(path)
  await expect(openSqliteStore({ path })).rejects.toMatchObject({ name: 'StoreUnusable' })
})

test('takes an older file through the steps that it lacks', () => {
  const db = connect(':memory:', 0)
  const steps = ['CREATE TABLE one (x)', 'CREATE TABLE two (x)']
  migrate(db, 'old.db', steps.slice(0, 1))
  migrate(db, 'old.db', steps)
  migrate(db, 'old.db', steps)
  expect(db.all('SELECT name FROM sqlite_schema ORDER BY name').map(({ name }) => name)).toEqual(['one', 'two'])
  db.close()
})

test('leaves whole steps behind when one fails, and goes on from there', () => {
  const db = connect(':memory:', 0)
  const broken = ['CREATE TABLE one (x)', 'CREATE TABLE two (x); CREATE TABLE one (x)']
  expect(() => migrate(db, 'old.db', broken)).toThrow()
  expect(db.all('SELECT name FROM sqlite_schema').map(({ name }) => name)).toEqual(['one'])
  migrate(db, 'old.db', ['CREATE TABLE one (x)', 'CREATE TABLE two (x)'])
  expect(db.get('PRAGMA user_version')).toMatchObject({ user_version: 2 })
  db.close()
})
