import { type Commits, createCommits, type Ring } from '../sql/commits.ts'
import { answered, runNow, type Sql, type Work } from '../sql/sql.ts'
import { codeOf, type Database, sqliteCode, transaction, unavailable } from './database.ts'

/**
 * All writes to a file, those of one moment with one fsync. `failed` is called with what no commit could be made for, `later` runs a
 * function when the callers of this moment have had their say.
 */
export function commitsTo(db: Database, failed: (error: unknown) => void, later: (run: () => void) => void) {
  const sql = atOnce(db)
  const listeners = new Set<(instance: string) => void>()
  const watched = <T>(write: () => T): T => {
    try {
      return write()
    } catch (error) {
      failed(error)
      throw error
    }
  }
  const commits: Commits = createCommits({
    transaction: <T>(work: (sql: Sql, ring: Ring) => Work<T>) => {
      const rung = new Set<string>()
      const result = watched(() => transaction(db, () => runNow(work(sql, (instance) => rung.add(instance)))))
      for (const instance of rung) for (const listener of listeners) listener(instance)
      return answered(result)
    },
    // A lock is nobody's fault: every retry would only wait for it again.
    isHopeless: (error) => codeOf(error) === sqliteCode.busy,
    refusal: unavailable,
    run(work, done) {
      runNow(work)
      done()
    },
    later,
    mostTogether: 500,
  })
  return {
    ...commits,
    onBell(listener: (instance: string) => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** SQLite's statements as works that wait for nothing. */
export function atOnce(db: Database): Sql {
  return {
    all: (text, ...values) => answered(db.all(text, ...values)),
    get: (text, ...values) => answered(db.get(text, ...values)),
    run: (text, ...values) => answered(db.run(text, ...values)),
  }
}
