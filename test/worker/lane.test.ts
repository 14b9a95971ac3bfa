import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { foldOutcome, type Outcome } from '../../src/core/outcome.ts'
import type { Dispatcher, Launched } from '../../src/dispatchers/dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../../src/dispatchers/errors.ts'
import { ForgeLimited } from '../../src/forges/errors.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Scrubber } from '../../src/secret.ts'
import { Lane, type LaneSettings, type Order } from '../../src/worker/lane.ts'
import { aDispatch } from '../support/builders.ts'
import { handClock } from '../support/world.ts'

const traits = { credentials: 'own', names: false, askAgain: false, stops: false, lists: false, local: false } as const
const log = createLog({ scrubber: new Scrubber(), level: 'silent' })

/** A dispatcher that answers when the test says so, before a store that folds outcomes as the real one does. */
function stage(over: Partial<LaneSettings> = {}, how: Partial<Dispatcher['traits']> = {}) {
  const clock = handClock()
  const calls: { id: string; answer(launched?: Launched): void; fail(error: Error): void }[] = []
  const told: string[] = []
  const rows = new Map<string, ReturnType<typeof aDispatch>>()
  const dispatcher: Dispatcher = {
    kind: 'http',
    traits: { ...traits, ...how },
    launch: ({ id }, signal) =>
      new Promise((resolve, reject) => {
        told.push(`${id} asked`)
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
        calls.push({ id, answer: (launched = { name: null }) => resolve(launched), fail: reject })
      }),
  }
  const settle = async (id: string, outcome: Outcome) => {
    const dispatch = rows.get(id) ?? aDispatch({ id, state: 'intended' })
    const folded = foldOutcome({ dispatch, job: null, backoffs: new Map() }, outcome).dispatch
    rows.set(id, folded)
    told.push(`${id} ${outcome.kind}`)
    return folded
  }
  const settings = { name: 'default', timeout: 15_000, launchConcurrency: 2, onShutdown: 'close' as const, ...over }
  const lane = new Lane(settings, { dispatcher, store: { settle }, clock, metrics: createMetrics() })
  const order = (id: string, prepare?: Order['prepare'], instance = 'main'): Order => ({
    dispatch: aDispatch({ id, instance, state: 'intended' }),
    epoch: 1,
    log,
    announcedAt: null,
    prepare: prepare ?? (async () => ({ ...request, id })),
  })
  const pass = async (ms: number) => {
    clock.pass(ms)
    await turnOfTheLoop()
  }
  return { lane, order, calls, told, rows, pass, settled: () => turnOfTheLoop() }
}

const request = {
  id: '',
  instance: 'main',
  target: 'linux',
  name: 'muster-1',
  labels: ['linux'],
  ttl: 1_200_000,
  machineType: null,
  image: null,
  env: {},
  scope: { level: 'repository', owner: 'o', name: 'r' },
  job: null,
  about: null,
  credential: null,
} as const

test('what is sent is recorded before the call', async () => {
  const { lane, order, told, calls, settled } = stage()
  lane.add(order('a'))
  await settled()
  expect(told).toEqual(['a sent', 'a asked'])
  calls[0]?.answer()
  await settled()
  expect(told.at(-1)).toBe('a accepted')
})

test('no more young calls are open at once than launch_concurrency, and one that has outlived its timeout is not young', async () => {
  const { lane, order, calls, pass, settled } = stage()
  for (const id of ['a', 'b', 'c', 'd']) lane.add(order(id))
  await settled()
  expect(calls.map(({ id }) => id)).toEqual(['a', 'b'])
  calls[0]?.answer()
  await settled()
  expect(calls.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  await pass(15_000)
  expect(calls.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
  expect(lane.oldCalls).toEqual(['b', 'c'])
})

test('a forge that hangs over its credentials holds up no other instance', async () => {
  const { lane, order, calls, settled } = stage()
  for (const id of ['a', 'b', 'c']) lane.add(order(id, () => new Promise(() => undefined), 'hanging'))
  lane.add(order('d'))
  await settled()
  expect(calls.map(({ id }) => id)).toEqual(['d'])
})

test('no more credentials than launch_concurrency are asked for ahead of their calls', async () => {
  const { lane, order, calls, settled } = stage()
  const asked: string[] = []
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
    lane.add(
      order(id, async () => {
        asked.push(id)
        return { ...request, id }
      }),
    )
  }
  await settled()
  expect([calls.map(({ id }) => id), asked]).toEqual([
    ['a', 'b'],
    ['a', 'b', 'c', 'd'],
  ])
})

test('a start that waits to be asked for again holds up no other', async () => {
  const { lane, order, calls, settled } = stage({ launchConcurrency: 1 }, { askAgain: true })
  lane.add(order('a'))
  lane.add(order('b'))
  await settled()
  calls[0]?.fail(new DispatchUnknown('broken off'))
  await settled()
  expect(calls.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('a call without an answer stays sent and open; its late answer still counts', async () => {
  const { lane, order, calls, told, rows, pass, settled } = stage()
  lane.add(order('a'))
  await settled()
  await pass(600_000)
  expect(told).toEqual(['a sent', 'a asked'])
  rows.set('a', { ...rows.get('a')!, runner: 'nsc-1', tiedAt: rows.get('a')!.sentAt })
  calls[0]?.answer({ name: 'nsc-1' })
  await settled()
  expect(rows.get('a')).toMatchObject({ goneReason: 'answered' })
  expect(lane.blocking).toBe(true)
})

test.each`
  error                                | outcome
  ${new DispatchRefused('no room')}    | ${'refused'}
  ${new DispatchUnknown('broken off')} | ${'unknown'}
  ${new Error('a defect')}             | ${'unknown'}
`('a call that fails with $error.name is $outcome', async ({ error, outcome }) => {
  const { lane, order, calls, told, settled } = stage()
  lane.add(order('a'))
  await settled()
  calls[0]?.fail(error)
  await settled()
  expect(told.at(-1)).toBe(`a ${outcome}`)
})

test('a forge that gives no credential is a refusal, with the time that the forge named, and nothing is sent', async () => {
  const { lane, order, told, rows, settled } = stage()
  lane.add(order('a', () => Promise.reject(new ForgeLimited('POST /runners', 1_800_000_000_000))))
  await settled()
  expect(told).toEqual(['a refused'])
  expect(rows.get('a')?.reason).toContain('no credential')
})

test('an unknown outcome is asked again after 1, 2, 4 s within boot_timeout, where nothing is started twice', async () => {
  const { lane, order, calls, pass, settled } = stage({}, { askAgain: true })
  lane.add(order('a'))
  await settled()
  for (const pause of [1_000, 2_000, 4_000]) {
    calls.at(-1)?.fail(new DispatchUnknown('broken off'))
    await settled()
    const before = calls.length
    await pass(pause - 1)
    expect(calls).toHaveLength(before)
    await pass(1)
    expect(calls).toHaveLength(before + 1)
  }
  await pass(300_000)
  const asked = calls.length
  calls.at(-1)?.fail(new DispatchUnknown('broken off'))
  await settled()
  await pass(60_000)
  expect(calls).toHaveLength(asked)
})

test('is never asked again where it might start a second one', async () => {
  const { lane, order, calls, pass, settled } = stage()
  lane.add(order('a'))
  await settled()
  calls[0]?.fail(new DispatchUnknown('broken off'))
  await settled()
  await pass(60_000)
  expect(calls).toHaveLength(1)
})

test('a lane that closes sends nothing more and leaves what it gives up as sent', async () => {
  const { lane, order, told, calls, pass, settled } = stage({ launchConcurrency: 1 })
  lane.add(order('a'))
  lane.add(order('b'))
  await settled()
  const closed = lane.close()
  await pass(4_000)
  await pass(1_000)
  await closed
  expect(calls.map(({ id }) => id)).toEqual(['a'])
  expect(told).toEqual(['a sent', 'a asked'])
})

test('with on_shutdown: wait it closes when its last call has been answered', async () => {
  const { lane, order, told, calls, pass, settled } = stage({ onShutdown: 'wait' })
  lane.add(order('a'))
  await settled()
  let closed = false
  const closing = lane.close().then(() => {
    closed = true
  })
  await pass(3_600_000)
  expect(closed).toBe(false)
  calls[0]?.answer()
  await settled()
  await pass(1_000)
  await closing
  expect(told.at(-1)).toBe('a accepted')
})

test('what was not sent when the dispatcher is another one is given back, and nothing goes to both', async () => {
  const { lane, order, calls, told, settled } = stage({ launchConcurrency: 1 })
  const next: string[] = []
  for (const id of ['d1', 'd2']) lane.add(order(id))
  await settled()
  lane.move({ ...aQuietDispatcher, launch: async ({ id }) => ({ name: `runner-${next.push(id)}` }) })
  lane.add(order('d3'))
  await settled()
  calls[0]?.answer()
  await settled()
  await settled()
  expect(calls.map(({ id }) => id)).toEqual(['d1'])
  expect(next).toEqual(['d3'])
  expect(told.filter((one) => one.startsWith('d2'))).toEqual(['d2 unsent'])
  expect(told.filter((one) => one.startsWith('d1'))).toEqual(['d1 sent', 'd1 asked', 'd1 accepted'])
})

test('what was intended before the dispatcher changed is not sent to the new one', async () => {
  const { lane, order, told, settled } = stage()
  const { place } = lane
  const next: string[] = []
  lane.move({ ...aQuietDispatcher, launch: async ({ id }) => ({ name: `runner-${next.push(id)}` }) })
  lane.add(order('d1'), place)
  await settled()
  expect(next).toEqual([])
  expect(told).toEqual(['d1 unsent'])
})

test('a place that was left is asked what it runs until nothing of it is left, and then let go', async () => {
  const { lane } = stage()
  const first = aListingDispatcher('d1', 'd2')
  const second = aListingDispatcher('d3')
  lane.move(first)
  lane.move(second)
  const running = async () => {
    lane.configure(lane.settings)
    return [...((await lane.running(new AbortController().signal))?.dispatches ?? [])].sort()
  }
  expect(await running()).toEqual(['d1', 'd2', 'd3'])
  first.ends('d1')
  expect(await running()).toEqual(['d2', 'd3'])
  await lane.stop('d2', new AbortController().signal)
  expect(first.stopped).toEqual(['d2'])
  first.ends('d2')
  expect(await running()).toEqual(['d3'])
  expect(first.closed).toBe(true)
  expect(second.closed).toBe(false)
})

test('a place that was left and does not answer holds up no proof of the others, and its runners count on', async () => {
  const { lane } = stage()
  const first = aListingDispatcher('d1')
  lane.move(first)
  await lane.running(new AbortController().signal)
  lane.move(aListingDispatcher('d2'))
  first.silent = true
  expect(await lane.running(new AbortController().signal)).toMatchObject({ complete: true, dispatches: ['d2', 'd1'] })
})

test('two dispatchers of the same place do not stand side by side', async () => {
  const { lane } = stage()
  const first = aListingDispatcher('d1')
  lane.move(first)
  lane.move(aListingDispatcher('d1', 'd2'))
  await lane.running(new AbortController().signal)
  expect(first.closed).toBe(true)
})

test('a lane whose dispatcher is gone is over when its last runner is', async () => {
  const { lane } = stage()
  const only = aListingDispatcher('d1')
  lane.move(only)
  lane.move(null)
  await lane.running(new AbortController().signal)
  expect(lane).toMatchObject({ place: null, isOver: false, lists: true })
  only.ends('d1')
  await lane.running(new AbortController().signal)
  expect(lane).toMatchObject({ isOver: true, lists: false })
})

test('another launch_concurrency holds for calls that wait already', async () => {
  const { lane, order, calls, settled } = stage({ launchConcurrency: 1 })
  for (const id of ['d1', 'd2', 'd3']) lane.add(order(id))
  await settled()
  expect(calls).toHaveLength(1)
  lane.configure({ ...lane.settings, launchConcurrency: 2 })
  await settled()
  expect(calls).toHaveLength(2)
})

const aQuietDispatcher: Dispatcher = { kind: 'http', traits, launch: async () => ({ name: null }) }

/** One that lists these dispatches until they end. */
function aListingDispatcher(...ids: string[]) {
  const alive = new Set(ids)
  let onEnd = () => {}
  const dispatcher = {
    ...aQuietDispatcher,
    traits: { ...traits, lists: true, stops: true },
    silent: false,
    closed: false,
    stopped: [] as string[],
    async running() {
      if (dispatcher.silent) throw new Error('it does not answer')
      return { complete: true, dispatches: [...alive] }
    },
    async stop(id: string) {
      if (alive.has(id)) dispatcher.stopped.push(id)
    },
    onEnd(listener: () => void) {
      onEnd = listener
    },
    async close() {
      dispatcher.closed = true
    },
    ends(id: string) {
      alive.delete(id)
      onEnd()
    },
  }
  return dispatcher
}
