import { setImmediate } from 'node:timers'
import { eventAbout } from '../core/event.ts'
import { migrations } from './sql/migrations.ts'
import { answered, runNow } from './sql/sql.ts'
import { sqlStore } from './sql/store.ts'
import { events } from './sql/tables.ts'
import { setAside } from './sqlite/aside.ts'
import { ballastOf } from './sqlite/ballast.ts'
import { atOnce, commitsTo } from './sqlite/commits.ts'
import { type Database, unavailable } from './sqlite/database.ts'
import { openFile, StoreDamaged } from './sqlite/file.ts'
import { type Health, keepHealth } from './sqlite/health.ts'
import { giveBack, moveLog } from './sqlite/space.ts'
import { type Store, StoreUnavailable } from './store.ts'

export interface SqliteOptions {
  /** The file, made with mode 0600 where it is missing; `:memory:` keeps nothing. */
  path: string
  /** The file grows no further, as on a full disk; without it the disk is the limit. */
  maxBytes?: number
  /** A damaged file is set aside under the name of this moment, and an empty one takes its place; `told` is called with the name. */
  rebuild?: { at: number; told(aside: string): void }
  /** Called when what comes in cannot be recorded any more, and when it can again. */
  onHealth?: (health: Health, cause?: unknown) => void
}

export type { Health }

/**
 * The store on SQLite, embedded and synchronous: one process, one file. Reads see what is committed; writes are queued in the order of
 * their calls and committed together. Rejects with `StoreUnusable` when the file cannot serve as the state.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { path, rebuild, onHealth = () => undefined } = options
  const { db, aside } = openOrRebuild(options)
  const sql = atOnce(db)
  const isFile = path !== ':memory:'
  const health = keepHealth({
    ballast: isFile ? ballastOf(path) : null,
    checkpoint: () => moveLog(db),
    told: onHealth,
  })
  // In memory there is no fsync to share, and a simulated world needs no turn of the real event loop.
  const { commit, drain, onBell } = commitsTo(db, health.failed, isFile ? setImmediate : queueMicrotask)

  /** What is new is recorded only where what is under way can be recorded, too. */
  async function admitted<T>(work: () => Promise<T>): Promise<T> {
    if (health.admits()) return work()
    throw new StoreUnavailable(`nothing new is recorded: the state is ${health.now}`)
  }

  const store = sqlStore({
    commit,
    async read(work) {
      try {
        return runNow(work(sql))
      } catch (error) {
        health.failed(error)
        throw unavailable(error)
      }
    },
    onBell,
    // One process has the file: all who ask for a lease go by its clock.
    leaseClock: (_, now) => answered(now),
    async ready() {
      // A write that changes nothing, committed like any other.
      await admitted(() => commit(() => answered(db.exec(`PRAGMA user_version = ${migrations.length}`))))
      health.wrote()
    },
    async close() {
      await drain()
      db.close()
    },
  })
  if (rebuild && aside !== null) {
    rebuild.told(aside)
    await commit((to) => events.append(to, eventAbout('state_rebuilt', { at: rebuild.at, instance: '' }, { aside })))
  }
  return {
    ...store,
    async recordDelivery(delivery) {
      const outcome = await admitted(() => store.recordDelivery(delivery))
      // A repeat writes nothing, and proves nothing.
      if (outcome === 'recorded') health.wrote()
      return outcome
    },
    request: (asked) => admitted(() => store.request(asked)),
    async prune(before) {
      await store.prune(before)
      await giveBack(db, (work) => commit(() => answered(work())), health.now === 'full' ? 'all' : 'most')
      // There may be room again; where there is not, its health has told so.
      await store.ready().catch(() => undefined)
    },
  }
}

function openOrRebuild(options: SqliteOptions): { db: Database; aside: string | null } {
  const { path, rebuild } = options
  const maxBytes = options.maxBytes ?? null
  try {
    return { db: openFile(path, maxBytes), aside: null }
  } catch (error) {
    if (!(error instanceof StoreDamaged) || !rebuild) throw error
    const aside = setAside(path, rebuild.at)
    return { db: openFile(path, maxBytes), aside }
  }
}
