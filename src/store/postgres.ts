import { setImmediate } from 'node:timers'
import { hearBells } from './postgres/bells.ts'
import { connect, end } from './postgres/connection.ts'
import { isPassing, unavailable, unusable } from './postgres/errors.ts'
import { migrate } from './postgres/migrate.ts'
import { Reader } from './postgres/reader.ts'
import { Writer } from './postgres/writer.ts'
import { createCommits, type Ring } from './sql/commits.ts'
import { giveUpLeases } from './sql/leases.ts'
import { awaited, runWaiting, type Sql, type Work } from './sql/sql.ts'
import { sqlStore } from './sql/store.ts'
import { type Store, StoreUnavailable } from './store.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with the parameters of libpq for TLS. */
  url: string
  /** Whose time leases go by: the server's, so that no process's own clock matters, or what the caller says (for tests). */
  leaseClock?: 'server' | 'caller'
  /** Called when what comes in cannot be recorded any more, and when it can again. */
  onHealth?: (health: 'well' | 'failing', cause?: unknown) => void
}

/** Milliseconds after which a delivery is answered that the state cannot be written, though it may yet be: a forge waits for 5 s. */
const patience = 4_500

/**
 * The store on PostgreSQL, for any number of processes. All writes come one after the other, those of one moment in one transaction; what is
 * read is what was committed. Rejects with `StoreUnusable` when the database cannot serve as the state.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const { url, leaseClock = 'server', onHealth = () => undefined } = options
  const place = placeOf(url)
  await prepare(url, place)
  const listeners = new Set<(instance: string) => void>()
  const ring = (instance: string) => listeners.forEach((listener) => void listener(instance))
  const holders = new Set<string>()
  const writer = new Writer({
    url,
    place,
    onCommit: (rung) => rung.forEach(ring),
    amends: (db) => giveUpLeases(db, holders),
  })
  const reader = new Reader(url)
  const stopHearing = await hearBells(url, (instance, connection) => {
    // What this process rang it has heard.
    if (connection !== writer.connection) ring(instance)
  }).catch((error) => {
    throw unusable(error, place)
  })
  let isClosed = false
  let isWell = true
  const told = (well: boolean, cause?: unknown) => {
    if (well !== isWell) onHealth(well ? 'well' : 'failing', cause)
    isWell = well
  }
  async function transaction<T>(work: (db: Sql, ring: Ring) => Work<T>): Promise<T> {
    try {
      const result = await writer.transaction(work)
      told(true)
      return result
    } catch (error) {
      if (isPassing(error) && !isClosed) told(false, unavailable(error))
      throw error
    }
  }
  const { commit, drain } = createCommits({
    transaction: (work) => awaited(transaction(work)),
    isHopeless: isPassing,
    refusal: unavailable,
    run: (work, done) => void runWaiting(work).then(done),
    later: setImmediate,
    mostTogether: 50,
  })
  const store = sqlStore({
    commit,
    read: (work) => reader.read(work).catch((error) => Promise.reject(unavailable(error))),
    *leaseClock(db, now) {
      if (leaseClock === 'caller') return now
      const row = yield* db.get('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now')
      return Number(row?.now)
    },
    onBell(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    // A write that changes nothing, committed like any other.
    async ready() {
      await commit((db) => db.run('UPDATE schema_version SET version = version'))
    },
    async close() {
      if (isClosed) return
      isClosed = true
      if (holders.size > 0) commit((db) => giveUpLeases(db, holders)).catch(() => undefined)
      await drain()
      stopHearing()
      writer.close()
      await reader.close()
    },
  })
  return {
    ...store,
    recordDelivery: (delivery) => within(patience, store.recordDelivery(delivery)),
    lease(instance, holder, now, ms) {
      holders.add(holder.id)
      return store.lease(instance, holder, now, ms)
    },
  }
}

/** The server and the database, without user and password. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `the PostgreSQL database ${hostname}${port && `:${port}`}${pathname}`
}

async function prepare(url: string, place: string): Promise<void> {
  try {
    const client = await connect(url, () => undefined)
    try {
      await migrate(client, place)
    } finally {
      end(client)
    }
  } catch (error) {
    throw unusable(error, place)
  }
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreUnavailable('the state cannot be written now: PostgreSQL does not answer')),
      ms,
    )
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
