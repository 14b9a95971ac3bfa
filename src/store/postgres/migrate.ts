import type pg from 'pg'
import { migrations, type Step } from '../sql/migrations.ts'
import { StoreUnusable } from '../store.ts'
import { schema } from './connection.ts'
import { schemaOf } from './dialect.ts'

/** Held by whoever writes: all writes to one database come one after the other, as in a file. Any number that nobody else uses ("Mstr"). */
export const writeLock = 0x4d737472

/** The oldest server that tells what became of a transaction (`pg_xact_status`). */
const oldest = 13

/** Takes the database through the steps that it lacks, one transaction each: a crash leaves whole steps, and two who start at once take turns. */
export async function migrate(client: pg.Client, place: string, steps: readonly Step[] = migrations): Promise<void> {
  await refuseUnfit(client, place)
  await inTransaction(client, () => makeSchema(client, place))
  for (const [index, step] of steps.entries()) {
    await inTransaction(client, async () => {
      if ((await versionOf(client, place, steps.length)) > index) return
      await client.query(schemaOf(step))
      await client.query(`UPDATE ${schema}.schema_version SET version = ${index + 1}`)
    })
  }
}

/** The steps that were done. Throws when there are more than this version knows. */
export async function versionOf(client: pg.Client, place: string, known = migrations.length): Promise<number> {
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${schema}.schema_version`)
  const version = rows[0]?.version ?? 0
  if (version <= known) return version
  throw new StoreUnusable(
    `${place} has schema ${version}, written by a newer muster; this one knows schemas up to ${known}. Start the newer version, or point \`state\` at another database.`,
  )
}

async function refuseUnfit(client: pg.Client, place: string): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string; replica: boolean; read_only: string }>(
    `SELECT current_setting('server_version_num') AS version, current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS replica, current_setting('transaction_read_only') AS read_only`,
  )
  const [told] = rows
  if (Number(told?.version) < oldest * 10_000)
    throw new StoreUnusable(`${place} is an older PostgreSQL than ${oldest}. Use a newer server.`)
  if (told?.encoding !== 'UTF8')
    throw new StoreUnusable(`${place} is encoded as ${told?.encoding}. Create it with the encoding UTF8.`)
  if (told.replica || told.read_only === 'on')
    throw new StoreUnusable(`${place} is a replica that is read only. Point \`state\` at the primary server.`)
}

async function makeSchema(client: pg.Client, place: string): Promise<void> {
  const { rows } = await client.query<{ ours: string | null; there: string | null; tables: number }>(
    `SELECT to_regnamespace($1)::text AS there, to_regclass($1 || '.schema_version')::text AS ours,
       (SELECT count(*) FROM pg_tables WHERE schemaname = $1) AS tables`,
    [schema],
  )
  const [found] = rows
  if (found?.ours) return
  if (Number(found?.tables) > 0)
    throw new StoreUnusable(
      `${place} has a schema "${schema}" of another program. Point \`state\` at another database.`,
    )
  if (!found?.there) await client.query(`CREATE SCHEMA ${schema}`)
  await client.query(`CREATE TABLE ${schema}.schema_version (version BIGINT NOT NULL)`)
  await client.query(`INSERT INTO ${schema}.schema_version VALUES (0)`)
}

async function inTransaction(client: pg.Client, work: () => Promise<void>): Promise<void> {
  // A step on large tables may take its time.
  await client.query(
    `BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(${writeLock})`,
  )
  try {
    await work()
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
