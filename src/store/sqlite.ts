import { setImmediate } from 'node:timers'
import { migrations } from './sql/migrations.ts'
import { answered, runNow } from './sql/sql.ts'
import { sqlStore } from './sql/store.ts'
import { atOnce, commitsTo } from './sqlite/commits.ts'
import { unavailable } from './sqlite/database.ts'
import { openFile } from './sqlite/file.ts'
import type { Store } from './store.ts'

export interface SqliteOptions {
  /** The file, made with mode 0600 where it is missing; `:memory:` keeps nothing. */
  path: string
  /** The file grows no further, as on a full disk; without it the disk is the limit. */
  maxBytes?: number
}

/**
 * The store on SQLite, embedded and synchronous: one process, one file. Reads see what is committed; writes are queued in the order of
 * their calls and committed together. Rejects with `StoreUnusable` when the file cannot serve as the state.
 */
export async function openSqliteStore({ path, maxBytes }: SqliteOptions): Promise<Store> {
  const db = openFile(path, maxBytes ?? null)
  const sql = atOnce(db)
  // In memory there is no fsync to share, and a simulated world needs no turn of the real event loop.
  const { commit, drain, onBell } = commitsTo(db, path === ':memory:' ? queueMicrotask : setImmediate)
  return sqlStore({
    commit,
    async read(work) {
      try {
        return runNow(work(sql))
      } catch (error) {
        throw unavailable(error)
      }
    },
    onBell,
    // One process has the file: all who ask for a lease go by its clock.
    leaseClock: (_, now) => answered(now),
    // A write that changes nothing, committed like any other.
    ready: () => commit(() => answered(db.exec(`PRAGMA user_version = ${migrations.length}`))),
    async close() {
      await drain()
      db.close()
    },
  })
}
