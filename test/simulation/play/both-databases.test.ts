import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../../src/store/postgres.ts'
import { openSqliteStore } from '../../../src/store/sqlite.ts'
import type { Store } from '../../../src/store/store.ts'
import { postgresServer } from '../../support/postgres.ts'
import { ask } from '../../support/store.ts'
import { play } from './play.ts'
import { Tape } from './tape.ts'

const server = await postgresServer()

/** How many tapes are played. */
const tapes = Number(process.env.MUSTER_TAPES ?? 1)

/** The state with its calls one after the other: which of two answers comes first is chance on a server, where a tape has no say. */
function inTurn(store: Store, atEnd: (store: Store) => Promise<void>): Store {
  let last: Promise<unknown> = Promise.resolve()
  const copy = { ...store }
  for (const [key, value] of Object.entries(store)) {
    if (typeof value !== 'function' || key.startsWith('on')) continue
    const run = value as (...given: unknown[]) => Promise<unknown>
    Reflect.set(copy, key, (...given: unknown[]) => {
      // An answer comes when everything else that can go on has gone on, as it does from a server.
      const answer = last.then(() => run(...given).finally(() => setImmediate()))
      last = answer.catch(() => undefined)
      return answer
    })
  }
  return {
    ...copy,
    async close() {
      await last
      await atEnd(store)
      await store.close()
    },
  }
}

async function played(tape: Tape, open: () => Promise<Store>) {
  const dump: Record<string, unknown> = {}
  const openStore = async () =>
    inTurn(await open(), async (store) => {
      const all = { limit: 500 }
      dump.facts = await store.facts('main', ask())
      dump.jobs = (await store.jobs(all)).items
      dump.dispatches = (await store.dispatches(all)).items
      dump.runners = (await store.runners(all)).items
      dump.events = (await store.events(all)).items.map(({ id: _, ...event }) => event)
    })
  const { violations, story } = await play(tape, { openStore, told: true })
  return { violations, story, dump }
}

describe.skipIf(server === null)('a tape', () => {
  test.each(Array.from({ length: tapes }, (_, index) => index + 1))(
    'plays the same on PostgreSQL as on SQLite, and leaves the same behind: %i',
    async (seed) => {
      const url = (await server?.newDatabase()) ?? ''
      const inFile = await played(Tape.seeded(seed), () => openSqliteStore({ path: ':memory:' }))
      const onServer = await played(Tape.seeded(seed), () => openPostgresStore({ url, leaseClock: 'caller' }))
      expect(onServer).toEqual(inFile)
    },
    300_000,
  )
})
