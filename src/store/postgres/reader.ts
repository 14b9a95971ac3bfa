import pg from 'pg'
import { runWaiting, type Sql, type Work } from '../sql/sql.ts'
import { schema, settings, statementsOf } from './connection.ts'
import { isLost, isPassing } from './errors.ts'

/** Reads at once; each costs the server a process. */
const connections = 4

/** Reads, each on a snapshot of its own, through a few connections. One that a lost connection broke off is tried once more. */
export class Reader {
  readonly #pool: pg.Pool

  constructor(url: string) {
    this.#pool = new pg.Pool({ ...settings(url), max: connections, allowExitOnIdle: true })
    // An idle connection that is lost is replaced when it is needed.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => {
      client.on('error', () => undefined)
      client.query(`SET search_path TO ${schema}`).catch(() => undefined)
    })
  }

  async read<T>(work: (db: Sql) => Work<T>): Promise<T> {
    try {
      return await this.#attempt(work)
    } catch (error) {
      if (!isPassing(error)) throw error
      return this.#attempt(work)
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }

  async #attempt<T>(work: (db: Sql) => Work<T>): Promise<T> {
    const client = await this.#pool.connect()
    let isUsable = true
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const result = await runWaiting(work(statementsOf(client)))
      await client.query('COMMIT')
      return result
    } catch (error) {
      isUsable = !isLost(error)
      if (isUsable) await client.query('ROLLBACK').catch(() => (isUsable = false))
      throw error
    } finally {
      client.release(!isUsable)
    }
  }
}
