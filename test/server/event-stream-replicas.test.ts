import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createEventStreams, streamLimits } from '../../src/server/event-stream.ts'
import { openPostgresStore } from '../../src/store/postgres.ts'
import { anEvent } from '../support/builders.ts'
import { postgresServer } from '../support/postgres.ts'

const server = await postgresServer()
const url = (await server?.newDatabase()) ?? ''

describe.skipIf(server === null)('on a real PostgreSQL', () => {
  test('a client that changes from one replica to another hears what both wrote, each event once', async () => {
    const stores = await Promise.all([openPostgresStore({ url }), openPostgresStore({ url })])
    const stopping = new AbortController()
    onTestFinished(async () => {
      stopping.abort()
      await Promise.all(stores.map((store) => store.close()))
    })
    const replicas = stores.map((store) =>
      createEventStreams({ store, clock: systemClock, stopping: stopping.signal }, { ...streamLimits, beat: 20 }),
    )
    const wanted = 600
    const writing = stores.map(async (store, index) => {
      for (let written = 0; written < wanted / 2; written += 10)
        await store.append(Array.from({ length: 10 }, () => anEvent({ instance: `replica-${index}` })))
    })

    const heard: string[] = []
    let last = '0'
    for (let turn = 0; heard.length < wanted; turn++) {
      const stream = await replicas[turn % 2]?.open({}, last, () => undefined)
      const reader = stream?.getReader()
      const enough = heard.length + 47
      while (heard.length < Math.min(enough, wanted)) {
        const { value } = (await reader?.read()) ?? {}
        const ids = [
          ...Buffer.from(value ?? [])
            .toString()
            .matchAll(/^id: (\d+)$/gm),
        ]
        heard.push(...ids.map(([, id = '']) => id))
      }
      await reader?.cancel()
      last = heard.at(-1) ?? '0'
    }
    await Promise.all(writing)
    expect(new Set(heard).size).toBe(wanted)
    const { items } = await stores[0]!.events({ limit: 500 })
    expect(heard.slice(-500)).toEqual(items.map(({ id }) => id).reverse())
  })
})
