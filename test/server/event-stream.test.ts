import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import {
  createEventStreams,
  type StreamFilter,
  type StreamLimits,
  streamLimits,
} from '../../src/server/event-stream.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { until } from '../journeys/until.ts'
import { anEvent } from '../support/builders.ts'
import { save } from '../support/store.ts'

/** Short times, so that a test need not wait for the real ones. */
const quick: StreamLimits = { ...streamLimits, beat: 5, together: 1 }

const open: Store[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()))
})

async function aWorld(limits: Partial<StreamLimits> = {}) {
  const store = await openSqliteStore({ path: ':memory:' })
  open.push(store)
  const reads = vi.spyOn(store, 'events')
  const stopping = new AbortController()
  const streams = createEventStreams({ store, clock: systemClock, stopping: stopping.signal }, { ...quick, ...limits })
  const hungUp = vi.fn<() => void>()

  /** Opens a stream and reads on until `enough` says that it has come, or the end. */
  async function listen(after: string | null = null, filter: StreamFilter = {}) {
    const body = await streams.open(filter, after, hungUp)
    if (!body) return null
    const reader = body.getReader()
    const state = { text: '', over: false }
    return Object.assign(state, {
      reader,
      /** The ids that have come, in their order. */
      ids: () => [...state.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
      types: () => [...state.text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json).type),
      async read(enough: () => boolean) {
        while (!enough() && !state.over) {
          const { done, value } = await reader.read()
          state.over = done
          state.text += value ? Buffer.from(value).toString() : ''
        }
      },
    })
  }

  const append = (count: number, over: Parameters<typeof anEvent>[0] = {}) =>
    store.append(Array.from({ length: count }, () => anEvent(over)))
  return { store, streams, reads, stopping, hungUp, listen, append }
}

/** The stream, which a test expects to be there. */
function there<T>(stream: T | null): T {
  if (stream === null) throw new Error('there is no stream')
  return stream
}

test('a stream begins with what is to come, and tells each event once, in order, with its id', async () => {
  const { listen, append } = await aWorld()
  await append(3)
  const stream = there(await listen())
  await append(1, { type: 'paused', detail: { by: 'alice' } })
  await append(2)
  await stream.read(() => stream.ids().length === 3)
  expect(stream.ids()).toEqual([4, 5, 6])
  expect(stream.text).toContain('id: 4\ndata: {"id":"4","type":"paused","at":"2026-03-02T12:00:00.000Z"')
  expect(stream.text.startsWith('retry: 1000\n\n')).toBe(true)
})

test('whoever comes back with the last id misses nothing and hears nothing twice', async () => {
  const { listen, append } = await aWorld()
  const heard: number[] = []
  let last: string | null = '0'
  const writing = (async () => {
    for (let written = 0; written < 2_000; written += 50) {
      await append(50)
      await systemClock.sleep(1)
    }
  })()
  for (let cut = 1; heard.length < 2_000; cut = (cut * 7) % 311) {
    const stream = there(await listen(last))
    await stream.read(() => stream.ids().length >= Math.min(cut, 2_000 - heard.length))
    await stream.reader.cancel()
    heard.push(...stream.ids())
    last = String(heard.at(-1))
  }
  await writing
  expect(heard).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1))
})

test('what nobody rings for is told all the same: what a turn writes, and what other replicas do', async () => {
  const { store, listen } = await aWorld()
  const stream = there(await listen())
  await save(store, { events: [anEvent({ type: 'runner_gone' })] })
  await stream.read(() => stream.ids().length === 1)
  expect(stream.types()).toEqual(['runner_gone'])
})

test('more than a page at once is told page by page, and nothing of it is left out', async () => {
  const { listen, append } = await aWorld()
  const stream = there(await listen())
  await append(1_001)
  await stream.read(() => stream.ids().length === 1_001)
  expect(stream.ids()).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1))
})

test('a bell tells at once that something has happened, and many of them cost one reading', async () => {
  const { store, listen, reads } = await aWorld({ beat: 60_000, together: 500 })
  const stream = there(await listen())
  const reading = stream.read(() => stream.ids().length === 40)
  const how = { at: 0, by: 'ann', reason: null }
  for (let round = 0; round < 20; round++) {
    await store.pause('main', how)
    await store.resume('main', how)
  }
  await reading
  expect(reads.mock.calls.length).toBeLessThan(10)
})

test('what did not pass the filter is not read again', async () => {
  const { listen, append, reads } = await aWorld()
  const stream = there(await listen('0', { types: ['paused'] }))
  const reading = stream.read(() => stream.ids().length === 1)
  await append(450)
  await until('it has been read', () => reads.mock.calls.some(([query]) => query.types && query.after === '0'))
  await systemClock.sleep(20)
  await append(1, { type: 'paused' })
  await reading
  const from = reads.mock.calls.flatMap(([query]) => (query.types ? [Number(query.after)] : []))
  expect(from.at(-1)).toBe(450)
})

test('only what passes the filter is told, however much lies between', async () => {
  const { listen, append } = await aWorld()
  const stream = there(await listen('0', { instance: 'main', types: ['paused', 'resumed'] }))
  await append(450)
  await append(1, { type: 'paused' })
  await append(1, { type: 'paused', instance: 'other' })
  await append(450)
  await append(1, { type: 'resumed' })
  await stream.read(() => stream.ids().length === 2)
  expect(stream.ids()).toEqual([451, 903])
})

test('an id of a state that was lost begins from the beginning', async () => {
  const { listen, append } = await aWorld()
  await append(2)
  const stream = there(await listen('4711'))
  await stream.read(() => stream.ids().length === 2)
  expect(stream.ids()).toEqual([1, 2])
})

test('what is no id is refused, and takes no place', async () => {
  const { listen, append } = await aWorld({ streams: 1 })
  await append(1)
  await expect(listen('soon')).rejects.toThrow('is no id of an event')
  expect(await listen('1')).not.toBeNull()
})

test('a stream without events says now and then that it lives', async () => {
  const { listen } = await aWorld({ heartbeat: 20 })
  const stream = there(await listen())
  await stream.read(() => stream.text.endsWith('\n:\n\n:\n\n'))
  expect(stream.ids()).toEqual([])
})

test('so many streams are open at most, and one that ends makes room', async () => {
  const { listen } = await aWorld({ streams: 2 })
  const first = there(await listen())
  const second = there(await listen())
  expect(await listen()).toBeNull()
  await first.reader.cancel()
  expect(await listen()).not.toBeNull()
  expect(await listen()).toBeNull()
  await second.reader.cancel()
})

test('a client that takes nothing costs one page of memory and no reading, and is cut off in the end', async () => {
  const { listen, append, reads, hungUp } = await aWorld({ patience: 300 })
  const stream = there(await listen('0'))
  await append(1_000)
  await stream.read(() => stream.ids().length > 0)
  expect(stream.ids()).toHaveLength(200)
  const asked = reads.mock.calls.length
  await append(1_000)
  await until('it is cut off', () => hungUp.mock.calls.length > 0)
  expect(reads.mock.calls.length).toBe(asked)
})

test('a client that takes what it is given is not cut off', async () => {
  const { listen, append, hungUp } = await aWorld({ patience: 50 })
  const stream = there(await listen())
  const reading = stream.read(() => stream.ids().length === 2)
  await append(1)
  await systemClock.sleep(120)
  await append(1)
  await reading
  expect(hungUp).not.toHaveBeenCalled()
})

test('every stream ends when the service stops, and none is opened any more', async () => {
  const { listen, stopping } = await aWorld({ beat: 60_000 })
  const stream = there(await listen())
  const reading = stream.read(() => false)
  stopping.abort()
  await reading
  expect(stream.over).toBe(true)
  expect(await listen()).toBeNull()
})

test('a stream ends after its life, and when the state cannot be read, and makes room', async () => {
  const { listen, reads } = await aWorld({ life: 30, streams: 1 })
  const first = there(await listen())
  await first.read(() => false)
  expect(first.over).toBe(true)
  const second = there(await listen())
  reads.mockRejectedValue(new Error('the disk is gone'))
  await second.read(() => false)
  reads.mockRestore()
  expect(await listen()).not.toBeNull()
})
