import pg from 'pg'
import { awaited, type Cell, type Row, type Sql } from '../sql/sql.ts'
import { spoken, written } from './dialect.ts'

/** Where all tables stand, so that a database may be shared with other programs. */
export const schema = 'muster'

/**
 * Milliseconds. Together they stay below the 5 s that a forge waits for an answer. They also bound how long a process that stands still
 * keeps others waiting: its transaction is ended under its hands.
 */
const patience = { connect: 3_000, idle: 2_000, server: 3_000, answer: 4_000 }

/** How every connection is made. Its numbers are JavaScript's: milliseconds, counts and versions are below 2^53. */
export function settings(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'muster',
    keepAlive: true,
    connectionTimeoutMillis: patience.connect,
    query_timeout: patience.answer,
    statement_timeout: patience.server,
    lock_timeout: patience.server,
    idle_in_transaction_session_timeout: patience.idle,
    types: {
      getTypeParser: (type: number, format?: 'text' | 'binary') =>
        type === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(type, format),
    } as pg.CustomTypesConfig,
  }
}

/** What is acknowledged is on the disk, however the server is set up; a stricter setting than that is kept. */
const durably =
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

/** Connects; `onLost` is called when the connection has ended by itself, which while it is idle nobody else would notice. */
export async function connect(url: string, onLost: (client: pg.Client) => void): Promise<pg.Client> {
  const client = new pg.Client(settings(url))
  client.on('error', () => undefined)
  await client.connect()
  client.on('end', () => onLost(client))
  try {
    await client.query(`SET search_path TO ${schema}; ${durably}`)
    return client
  } catch (error) {
    end(client)
    throw error
  }
}

/** The end of a connection, however it stands with it. */
export function end(client: pg.Client): void {
  client.removeAllListeners('end')
  client.end().catch(() => undefined)
}

const prepared = new Map<string, { name: string; text: string }>()

/** A connection's statements as works that wait for the server. */
export function statementsOf(client: pg.ClientBase): Sql {
  const query = (sql: string, values: readonly Cell[]) => {
    const known = prepared.get(sql) ?? { name: `muster_${prepared.size}`, text: spoken(sql) }
    prepared.set(sql, known)
    return client.query<Row>({ ...known, values: values.map(written) })
  }
  return {
    *all(sql, ...values) {
      return (yield* awaited(query(sql, values))).rows
    },
    *get(sql, ...values) {
      return (yield* awaited(query(sql, values))).rows[0]
    },
    *run(sql, ...values) {
      return (yield* awaited(query(sql, values))).rowCount ?? 0
    },
  }
}
