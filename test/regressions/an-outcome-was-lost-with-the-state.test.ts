import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import { createMetrics } from '../../src/metrics.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { Lane } from '../../src/worker/lane.ts'
import { anOrder } from '../support/lanes.ts'
import { handClock } from '../support/world.ts'

const traits = { credentials: 'own', names: false, askAgain: false, stops: false, lists: false, local: false } as const

// A disk that was full for a second left the dispatch `intended` until the next start: it covered its job, and was never sent.
test('an outcome that cannot be recorded is recorded later', async () => {
  const clock = handClock()
  const order = anOrder()
  const told: Outcome['kind'][] = []
  let isFull = true
  const settle = async (_: string, outcome: Outcome) => {
    if (isFull) throw new StoreUnavailable('the disk is full')
    told.push(outcome.kind)
    return order.dispatch
  }
  const dispatcher = { kind: 'http' as const, traits, launch: async () => ({ name: null }) }
  const lane = new Lane(
    { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
    { dispatcher, store: { settle }, clock, metrics: createMetrics() },
  )
  lane.add(order)
  await turnOfTheLoop()
  expect(told).toEqual([])
  isFull = false
  clock.pass(1_000)
  await turnOfTheLoop()
  expect(told).toEqual(['sent', 'accepted'])
})
