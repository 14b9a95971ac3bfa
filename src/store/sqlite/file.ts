import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { leasesTable } from '../sql/migrations/005-leases.ts'
import { StoreUnusable } from '../store.ts'
import { codeOf, connect, type Database, sqliteCode } from './database.ts'
import { migrate, refuseForeign } from './migrate.ts'

/** Milliseconds to wait for a lock: a predecessor that is just ending gets so long. */
const patience = 2_000

/** The file cannot be read as our database: `setAside` makes room for another. */
export class StoreDamaged extends StoreUnusable {}

/**
 * Opens the file (or `:memory:`), alone, checked and at the newest schema.
 * From here until it is closed or the process ends, in whatever way, the kernel keeps every other process out.
 */
export function openFile(path: string, maxBytes: number | null): Database {
  try {
    if (path !== ':memory:') createPrivate(path)
    const db = connect(path, patience)
    try {
      prepare(db, path, maxBytes)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw unusable(error, path)
  }
}

// An existing file is not opened here: closing it again would drop the POSIX locks that this process may hold on it.
function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
}

function prepare(db: Database, path: string, maxBytes: number | null): void {
  // Before the first read, so that WAL keeps its index in memory and the lock is held to the end (https://www.sqlite.org/wal.html#noshm).
  db.exec('PRAGMA locking_mode = EXCLUSIVE')
  refuseForeign(db, path)
  // Before anything is in the file, or it has no effect: what is forgotten can be given back to the disk.
  db.exec('PRAGMA auto_vacuum = INCREMENTAL')
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  // Temporary files would need a writable folder, which a container may not have.
  db.exec('PRAGMA temp_store = MEMORY')
  // What is deleted is overwritten: a request of the dispatcher API may have held secrets.
  db.exec('PRAGMA secure_delete = ON')
  db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`)
  const damage = db.get('PRAGMA quick_check(1)')?.quick_check
  if (damage !== 'ok') throw damaged(path, String(damage))
  migrate(db, path)
  db.exec(`CREATE TEMP ${leasesTable}`)
  if (maxBytes !== null) db.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageSize(db))}`)
}

function pageSize(db: Database): number {
  return Number(db.get('PRAGMA page_size')?.page_size)
}

function unusable(error: unknown, path: string): unknown {
  if (error instanceof StoreUnusable) return error
  const because = error instanceof Error ? error.message : String(error)
  switch (codeOf(error)) {
    case null:
      return isErrno(error)
        ? new StoreUnusable(`${path} cannot be created: ${because}. Make its folder, and let this user write there.`, {
            cause: error,
          })
        : error
    case sqliteCode.busy:
      return new StoreUnusable(
        `${path} is in use by ${holder(path)}. One process serves one file: stop the other, or point \`state\` at another file.`,
        { cause: error },
      )
    case sqliteCode.notADatabase:
      return new StoreDamaged(
        `${path} is not a database. Point \`state\` at a file of muster's own, or, if it was one, begin anew: ${anew}`,
        { cause: error },
      )
    case sqliteCode.corrupt:
      return damaged(path, because, error)
    case sqliteCode.readonly:
    case sqliteCode.cannotOpen:
      return new StoreUnusable(`${path} cannot be written: ${because}. Let this user write the file and its folder.`, {
        cause: error,
      })
    default:
      return new StoreUnusable(`${path} cannot be opened: ${because}.`, { cause: error })
  }
}

const anew =
  '`muster serve --rebuild-state` sets the file and its -wal aside and starts with an empty one. The forges tell the queued jobs again.'

function damaged(path: string, what: string, cause?: unknown): StoreUnusable {
  return new StoreDamaged(`${path} is damaged (${what.replace(/\s+/g, ' ')}). Begin anew: ${anew}`, { cause })
}

/** Which process holds the lock, where the kernel tells it (Linux); for people. */
function holder(path: string): string {
  try {
    const { ino } = statSync(path)
    const lock = readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .find((line) => line.includes(`:${ino} `))
    const pid = Number(lock?.match(/(?:READ|WRITE)\s+(\d+)/)?.[1])
    if (pid === process.pid) return 'this same process'
    if (pid > 0) return `process ${pid}`
  } catch {
    // Not every system has /proc/locks; then the file is all that can be named.
  }
  return 'another process'
}

function isErrno(error: unknown, code?: string): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return false
  return code === undefined || error.code === code
}
