import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { connect } from '../../src/store/postgres/connection.ts'
import { writeLock } from '../../src/store/postgres/migrate.ts'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { migrations } from '../../src/store/sql/migrations.ts'
import type { Store } from '../../src/store/store.ts'
import { aDeliveredJob, aDelivery, aDispatch, at } from '../support/builders.ts'
import { ownPostgresServer, postgresServer } from '../support/postgres.ts'
import { aHolder, ask, idsOf, noLimits, rings } from '../support/store.ts'

vi.setConfig({ testTimeout: 60_000 })
const server = await postgresServer()

async function aDatabase(): Promise<string> {
  return (await server?.newDatabase()) ?? ''
}

async function opened(url: string, leaseClock: 'server' | 'caller' = 'caller'): Promise<Store> {
  const store = await openPostgresStore({ url, leaseClock })
  onTestFinished(() => store.close())
  return store
}

/** Ends every connection of a store, as an administrator or a failover does. */
async function terminate(url: string): Promise<void> {
  await server?.administer(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'muster'`,
  )
}

/** Holds the lock of writers: as one of us that stands still in a transaction, or for as long as it likes. */
async function hold(url: string, as: 'us' | 'anybody'): Promise<pg.Client> {
  const client = as === 'us' ? await connect(url, () => undefined) : new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  if (as === 'anybody') await client.connect()
  await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${writeLock})`)
  onTestFinished(() => client.end())
  return client
}

const delivery = (id: string) => aDelivery({ id, jobs: [aDeliveredJob({ id })] })
const unusable = (message: RegExp) => ({ name: 'StoreUnusable', message: expect.stringMatching(message) })

describe.skipIf(server === null)('a store on PostgreSQL', () => {
  test('records each delivery once, whatever connections are ended meanwhile', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    const acknowledged: string[] = []
    let ending = true
    const terminator = (async () => {
      while (ending) {
        await terminate(url)
        await delay(15)
      }
    })()
    for (let round = 0; round < 40; round++) {
      const ids = Array.from({ length: 5 }, (_, index) => `${round}-${index}`)
      const answers = await Promise.allSettled(ids.map((id) => store.recordDelivery(delivery(id))))
      for (const [index, answer] of answers.entries()) {
        if (answer.status === 'fulfilled') {
          expect(answer.value).toBe('recorded')
          acknowledged.push(ids[index]!)
        } else expect(answer.reason).toMatchObject({ name: 'StoreUnavailable' })
      }
    }
    ending = false
    await terminator
    await delay(100)
    const known = new Set(idsOf((await store.jobs({ limit: 500 })).items))
    expect(acknowledged.filter((id) => !known.has(id))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(100)
    const events = (await store.events({ limit: 500, types: ['job_queued'] })).items
    expect(events).toHaveLength(new Set(events.map(({ job }) => job?.id)).size)
  })

  test('hears bells again after its connections were ended, and rings what it may have missed', async () => {
    const url = await aDatabase()
    const [one, other] = [await opened(url), await opened(url)]
    await one.recordDelivery(delivery('1'))
    const rung = rings(other)
    await terminate(url)
    await vi.waitUntil(() => rung.length > 0, { timeout: 20_000 })
    rung.length = 0
    await one.recordDelivery(delivery('2'))
    await vi.waitUntil(() => rung.includes('main'), { timeout: 20_000 })
  })

  test('rings the bells of the other processes', async () => {
    const url = await aDatabase()
    const [one, other] = [await opened(url), await opened(url)]
    const rung = { one: rings(one), other: rings(other) }
    await one.recordDelivery(delivery('1'))
    await vi.waitUntil(() => rung.other.length > 0, { timeout: 20_000 })
    expect(rung).toEqual({ one: ['main'], other: ['main'] })
  })

  test('says that it is unavailable while another holds the lock for long, reads meanwhile, and goes on', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    await store.recordDelivery(delivery('1'))
    const holder = await hold(url, 'anybody')
    const refused = expect(store.recordDelivery(delivery('2'))).rejects.toMatchObject({ name: 'StoreUnavailable' })
    expect(await store.job('main', '1')).not.toBeNull()
    await refused
    await holder.query('ROLLBACK')
    expect(await store.recordDelivery(delivery('2'))).toBe('recorded')
  })

  test('has the server end the transaction of a process that stands still', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    await hold(url, 'us')
    expect(await store.recordDelivery(delivery('1'))).toBe('recorded')
  })

  test('refuses what comes while the server can only be read, and records it afterwards', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    const name = new URL(url).pathname.slice(1)
    await server?.administer(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await terminate(url)
    await expect(store.recordDelivery(delivery('1'))).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.ready()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(openPostgresStore({ url })).rejects.toMatchObject(unusable(/read only/))
    // Not from within: what is read only cannot be changed there.
    const outside = new URL(url)
    outside.pathname = '/postgres'
    await server?.administer(outside.href, `ALTER DATABASE ${name} RESET default_transaction_read_only`)
    await terminate(url)
    expect(await store.recordDelivery(delivery('1'))).toBe('recorded')
  })

  test('lets nobody who was told otherwise keep a lease: rows that nobody knows of are taken up', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    const epoch = (await store.lease('main', aHolder('one'), at('12:00:00'), 60_000)) ?? 0
    // The commit is on its way when the connection ends, and nobody can be asked for longer than the caller waits.
    const client = pg.Client.prototype as unknown as { query(...given: unknown[]): Promise<unknown> }
    const query = client.query
    let away = false
    client.query = function (this: pg.Client, ...given: unknown[]) {
      if (away) return Promise.reject(new Error('connection lost'))
      const answer = query.apply(this, given)
      if (given[0] !== 'COMMIT') return answer
      away = true
      return answer.then(() => Promise.reject(new Error('connection lost')))
    }
    const intended = aDispatch({ id: 'd', state: 'intended', job: null })
    const refused = store.intend('main', epoch, [intended], noLimits)
    await expect(refused).rejects.toMatchObject({ name: 'StoreUnavailable' })
    client.query = query
    expect((await store.facts('main', ask())).dispatches).toMatchObject([{ id: 'd', state: 'intended' }])
    await store.recordDelivery(delivery('1'))
    expect(await store.lease('main', aHolder('one'), at('12:00:20'), 60_000)).toBe(epoch + 1)
    expect((await store.facts('main', ask())).dispatches).toEqual([])
  })

  test('does nothing twice when the answer to a commit is lost', async () => {
    const url = await aDatabase()
    const store = await opened(url)
    await store.recordDelivery(delivery('1'))
    const client = pg.Client.prototype as unknown as { query(...given: unknown[]): Promise<unknown> }
    const query = client.query
    let lost = 0
    client.query = function (this: pg.Client, ...given: unknown[]) {
      const answer = query.apply(this, given)
      if (given[0] !== 'COMMIT' || lost++ > 0) return answer
      return answer.then(() => Promise.reject(new Error('connection lost')))
    }
    onTestFinished(() => {
      client.query = query
    })
    expect(await store.recordDelivery(delivery('2'))).toBe('recorded')
    expect(lost).toBeGreaterThan(0)
    expect(await store.recordDelivery(delivery('2'))).toBe('duplicate')
  })

  test('gives leases by the clock of the server, whatever the clocks of the processes say', async () => {
    const url = await aDatabase()
    const [one, other] = [await opened(url, 'server'), await opened(url, 'server')]
    expect(await one.lease('main', aHolder('one'), at('12:00:00'), 60_000)).toBe(1)
    expect(await other.lease('main', aHolder('two'), at('23:00:00'), 60_000)).toBeNull()
    await one.close()
    expect(await other.lease('main', aHolder('two'), at('00:00:00'), 60_000)).toBe(2)
  })

  test('has each commit on the disk before it goes on, even where the server would not wait for it', async () => {
    const url = await aDatabase()
    await server?.administer(url, `ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`)
    const client = await connect(url, () => undefined)
    expect((await client.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'on' }])
    await client.end()
  })

  test('takes turns with another that opens the same empty database at the same time', async () => {
    const url = await aDatabase()
    const stores = await Promise.all([opened(url), opened(url), opened(url)])
    await Promise.all(stores.map((store, index) => store.recordDelivery(delivery(String(index)))))
    expect((await stores[0]!.jobs({ limit: 10 })).items).toHaveLength(3)
  })

  test('refuses a newer schema, and says what to do', async () => {
    const url = await aDatabase()
    await (await openPostgresStore({ url })).close()
    await server?.administer(url, `UPDATE muster.schema_version SET version = ${migrations.length + 1}`)
    await expect(openPostgresStore({ url })).rejects.toMatchObject(unusable(/newer muster.*Start the newer version/))
  })

  test("refuses another program's schema and leaves it as it was", async () => {
    const url = await aDatabase()
    await server?.administer(url, 'CREATE SCHEMA muster CREATE TABLE theirs (x int)')
    await expect(openPostgresStore({ url })).rejects.toMatchObject(unusable(/another program/))
    const left = await server?.administer(url, `SELECT tablename FROM pg_tables WHERE schemaname = 'muster'`)
    expect(left?.rows).toEqual([{ tablename: 'theirs' }])
  })

  test('refuses a database in which it may make nothing, and says what to grant', async () => {
    const url = new URL(await aDatabase())
    const role = `muster_guest_${process.pid}`
    await server?.administer(url.href, `CREATE ROLE ${role} LOGIN PASSWORD 'guest'`)
    onTestFinished(async () => void (await server?.administer(url.href, `DROP ROLE ${role}`)))
    url.username = role
    url.password = 'guest'
    await expect(openPostgresStore({ url: url.href })).rejects.toMatchObject(unusable(/Grant it CREATE/))
  })

  test('refuses a database that is not there, and one that nobody answers for, without its password', async () => {
    const missing = new URL(await aDatabase())
    missing.pathname = '/no_such_database'
    await expect(openPostgresStore({ url: missing.href })).rejects.toMatchObject(unusable(/is not there.*createdb/))
    const nobody = 'postgres://muster:s3cr3t-pw@127.0.0.1:1/muster'
    const error = await openPostgresStore({ url: nobody }).catch((error: Error) => error)
    expect(error).toMatchObject(unusable(/127\.0\.0\.1:1\/muster cannot be reached/))
    expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain('s3cr3t')
  })
})

const own = await ownPostgresServer()

test.skipIf(own === null)(
  'says that it is unavailable while its server is away, and goes on when it is back',
  async () => {
    const store = await opened((await own?.newDatabase()) ?? '')
    await store.recordDelivery(delivery('1'))
    await own?.stop('SIGINT')
    await expect(store.recordDelivery(delivery('2'))).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.job('main', '1')).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await own?.start()
    expect(await store.recordDelivery(delivery('2'))).toBe('recorded')
    expect(await store.recordDelivery(delivery('1'))).toBe('duplicate')
  },
)
