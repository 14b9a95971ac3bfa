import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createMetrics } from '../../src/metrics.ts'
import { Lane } from '../../src/worker/lane.ts'
import { never } from '../dispatchers/contract.ts'
import { aService, type HttpPlace } from '../dispatchers/http/place.ts'
import { anOrder } from '../support/lanes.ts'
import { handClock } from '../support/world.ts'

let service: HttpPlace
beforeEach(async () => {
  service = await aService()
})
afterEach(() => service.close())

// Idle runners of a dispatcher that blocks live out their ttl, and their calls were then ended by us as `unknown`: three of them opened
// the breaker of a dispatcher that was well, and jobs said `dispatcher_down`.
test('a call that is ended at its ttl leaves its dispatch as sent', async () => {
  service.behave(() => undefined)
  const told: string[] = []
  const http = service.dispatcher()
  const calls: Promise<unknown>[] = []
  const dispatcher: typeof http = {
    ...http,
    launch(request) {
      const call = http.launch({ ...request, ttl: 200 }, never)
      calls.push(call)
      return call
    },
  }
  const settle = async (id: string, { kind }: { kind: string }) => {
    told.push(kind)
    return anOrder(id).dispatch
  }
  const lane = new Lane(
    { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
    { dispatcher, store: { settle }, clock: handClock(), metrics: createMetrics() },
  )
  lane.add(anOrder())
  await turnOfTheLoop()
  await Promise.allSettled(calls)
  await turnOfTheLoop()
  expect(calls).toHaveLength(1)
  expect(told).toEqual(['sent'])
})
