import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Ring } from '../sql/commits.ts'
import { runWaiting, type Sql, type Work } from '../sql/sql.ts'
import { connect, end, statementsOf } from './connection.ts'
import { isLost, isPassing } from './errors.ts'
import { versionOf, writeLock } from './migrate.ts'

/** The channel of the bells; a message is the name of an instance. */
export const channel = 'muster'

/** Milliseconds for which a transaction is tried again. */
const patience = 3_000

export interface WriterOptions {
  url: string
  place: string
  onCommit: (rung: ReadonlySet<string>) => void
  /** Run in the next transaction where something may have been written although its callers were told otherwise; perhaps more than once. */
  amends: (db: Sql) => Work<void>
}

/**
 * The one connection that a process writes through. Each transaction holds one lock from its first statement on, so that all writes of all
 * processes come one after the other. One that fails for no fault of its own is tried again as a whole, and only when it is sure that
 * nothing of it was written: where a COMMIT got no answer, the server is asked what became of it.
 */
export class Writer {
  readonly #options: WriterOptions
  #client: pg.Client | null = null
  /** The transaction under way, where its COMMIT got no answer. */
  #doubt: string | null = null
  #owesAmends = false
  /** The server could not be reached the last time: who comes now is told so at once. */
  #isDown = false
  #isClosed = false

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /** The server's number for the connection: its own bells come back with it. */
  get connection(): number | null {
    return (this.#client as unknown as { processID: number | null } | null)?.processID ?? null
  }

  async transaction<T>(work: (db: Sql, ring: Ring) => Work<T>): Promise<T> {
    const giveUpAt = performance.now() + patience
    const written: { result?: T; rung: Set<string> } = { rung: new Set() }
    for (let failures = 1; ; failures++) {
      try {
        await this.#attempt(work, written)
        this.#isDown = false
        this.#doubt = null
        this.#options.onCommit(written.rung)
        return written.result as T
      } catch (error) {
        if (isLost(error)) this.#drop()
        const isOver = this.#isDown || performance.now() >= giveUpAt || this.#isClosed
        if (isPassing(error) && !isOver) {
          await sleep(20 + Math.random() * 50 * failures)
          continue
        }
        this.#isDown = isLost(error)
        this.#owesAmends ||= this.#doubt !== null
        this.#doubt = null
        throw error
      }
    }
  }

  close(): void {
    this.#isClosed = true
    this.#drop()
  }

  async #attempt<T>(work: (db: Sql, ring: Ring) => Work<T>, written: { result?: T; rung: Set<string> }): Promise<void> {
    const client = await this.#connected()
    const db = statementsOf(client)
    let isCommitting: string | null = null
    try {
      await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${writeLock})`)
      if (await this.#wasWritten(client)) {
        await client.query('ROLLBACK')
        return
      }
      const makesAmends = this.#owesAmends
      if (makesAmends) await runWaiting(this.#options.amends(db))
      written.rung = new Set()
      written.result = await runWaiting(work(db, (instance) => written.rung.add(instance)))
      const { rows } = await client.query<{ id: string | null }>(
        `SELECT pg_current_xact_id_if_assigned()::text AS id, (SELECT count(pg_notify($1, value)) FROM json_array_elements_text($2::json))`,
        [channel, JSON.stringify([...written.rung])],
      )
      isCommitting = rows[0]?.id ?? null
      const { command } = await client.query('COMMIT')
      if (command !== 'COMMIT') throw new TypeError('a work went on after its statement had failed')
      if (makesAmends) this.#owesAmends = false
    } catch (error) {
      if (isCommitting !== null && isLost(error)) this.#doubt = isCommitting
      else if (!isLost(error)) await client.query('ROLLBACK').catch(() => this.#drop())
      throw error
    }
  }

  /** With the lock in hand the transaction in doubt is over, one way or the other. */
  async #wasWritten(client: pg.Client): Promise<boolean> {
    if (this.#doubt === null) return false
    const { rows } = await client.query<{ status: string | null }>('SELECT pg_xact_status($1::xid8) AS status', [
      this.#doubt,
    ])
    return rows[0]?.status === 'committed'
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client
    if (this.#isClosed) throw new Error('the connection is closed: this process is ending')
    const client = await connect(this.#options.url, (lost) => {
      if (this.#client === lost) this.#drop()
    })
    try {
      // Another version may have come while the connection was away.
      await versionOf(client, this.#options.place)
    } catch (error) {
      end(client)
      throw error
    }
    this.#client = client
    return client
  }

  #drop(): void {
    if (this.#client) end(this.#client)
    this.#client = null
  }
}
