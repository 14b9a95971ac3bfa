import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Launched } from '../../src/dispatchers/dispatcher.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Lane } from '../../src/worker/lane.ts'
import { anOrder } from '../support/lanes.ts'
import { handClock } from '../support/world.ts'

// Its runner had been seen before the answer came, so the answer counted as its end: the slot of a runner at work was freed, and max was passed.
test('the late answer of a dispatcher that lists what it runs says nothing of an end', async () => {
  const clock = handClock()
  const order = anOrder()
  const told: Outcome[] = []
  let answer: (launched: Launched) => void = () => undefined
  const dispatcher = {
    kind: 'process' as const,
    traits: { credentials: 'ours', names: true, askAgain: true, stops: true, lists: true, local: true } as const,
    launch: () =>
      new Promise<Launched>((resolve) => {
        answer = resolve
      }),
  }
  const settle = async (_: string, outcome: Outcome) => {
    told.push(outcome)
    return order.dispatch
  }
  const lane = new Lane(
    { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
    { dispatcher, store: { settle }, clock, metrics: createMetrics() },
  )
  lane.add(order)
  await turnOfTheLoop()
  clock.pass(25_000)
  await turnOfTheLoop()
  answer({ name: null })
  await turnOfTheLoop()
  expect(told).toMatchObject([{ kind: 'sent' }, { kind: 'accepted', outlived: null }])
})
