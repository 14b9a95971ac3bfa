import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'

// Node makes 1 ms of what is longer than 2^31 - 1 ms.
test.each([2 ** 31, 30 * 86_400_000, Number.MAX_SAFE_INTEGER])('a sleep of %i ms is not over at once', async (ms) => {
  const woken = new AbortController()
  let over = false
  const sleeping = systemClock.sleep(ms, woken.signal).then(() => {
    over = true
  })
  await delay(20)
  expect(over).toBe(false)
  woken.abort()
  await sleeping
})

test('a sleep that is called off is over, and so is one of less than nothing', async () => {
  await systemClock.sleep(60_000, AbortSignal.abort())
  await systemClock.sleep(-5)
})
