import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Lane } from '../../src/worker/lane.ts'

const traits = { credentials: 'own', names: false, askAgain: false, stops: false, lists: false, local: false } as const

// The demo had printed its result and stood there for four seconds more.
test('a lane that has closed leaves no timer behind', async () => {
  const sleeping = new Set<object>()
  const clock = {
    ...systemClock,
    sleep(ms: number, signal?: AbortSignal) {
      const sleep = systemClock.sleep(ms, signal).finally(() => sleeping.delete(sleep))
      sleeping.add(sleep)
      return sleep
    },
  }
  const lane = new Lane(
    { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
    {
      dispatcher: { kind: 'http', traits, launch: async () => ({ name: null }) },
      store: { settle: async () => null },
      clock,
      metrics: createMetrics(),
    },
  )
  await lane.close()
  await turnOfTheLoop()
  expect(sleeping.size).toBe(0)
})
