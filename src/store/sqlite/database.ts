import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Cell, Row } from '../sql/sql.ts'
import { StoreUnavailable } from '../store.ts'

/** One connection, synchronous, that keeps its prepared statements. */
export interface Database {
  all(sql: string, ...values: Cell[]): Row[]
  get(sql: string, ...values: Cell[]): Row | undefined
  /** Answers how many rows were changed. */
  run(sql: string, ...values: Cell[]): number
  /** Runs several statements at once, or one that is needed once. */
  exec(sql: string): void
  inTransaction(): boolean
  /** Content when it is closed already. */
  close(): void
}

/** Opens a connection that waits up to `patience` milliseconds for another's lock. */
export function connect(path: string, patience: number): Database {
  const connection = new DatabaseSync(path, { timeout: patience, enableForeignKeyConstraints: false })
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known) return known
    const made = connection.prepare(sql)
    prepared.set(sql, made)
    return made
  }
  return {
    // Nothing but texts and numbers is ever written.
    all: (sql, ...values) => statement(sql).all(...values) as Row[],
    get: (sql, ...values) => statement(sql).get(...values) as Row | undefined,
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
    exec: (sql) => connection.exec(sql),
    inTransaction: () => connection.isTransaction,
    close: () => {
      if (connection.isOpen) connection.close()
    },
  }
}

/** Runs `work` in a transaction that waits for no later lock; whatever it throws, nothing was written. */
export function transaction<T>(db: Database, work: () => T): T {
  // A rollback can fail on a broken disk; the transaction it left is ended here, once the disk is well again.
  if (db.inTransaction()) db.exec('ROLLBACK')
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    abandon(db)
    throw error
  }
}

function abandon(db: Database): void {
  try {
    if (db.inTransaction()) db.exec('ROLLBACK')
  } catch {
    // What broke the transaction is the error to tell; see above for what is left.
  }
}

/** SQLite's primary result codes that are told apart. */
export const sqliteCode = {
  busy: 5,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
}

/** The primary result code (https://www.sqlite.org/rescode.html) of an error that SQLite raised; null for any other. */
export function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

/** What SQLite refuses is told as `StoreUnavailable`; anything else is a fault of ours and stays as it is. */
export function unavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  if ('code' in error && error.code === 'ERR_INVALID_STATE') {
    return new StoreUnavailable('the state is closed: this process is ending', { cause: error })
  }
  const code = codeOf(error)
  if (code === null) return error
  return new StoreUnavailable(`the state cannot be used now: ${error.message} (SQLite code ${code})`, { cause: error })
}
