import { expect, test } from 'vitest'
import { createPace, points } from '../../../src/forges/github/pace.ts'

/** A clock that stands until somebody sleeps. */
function aClock() {
  let elapsed = 0
  return {
    now: () => elapsed,
    monotonic: () => elapsed,
    sleep: async (ms: number) => {
      elapsed += ms
    },
    pass(ms: number) {
      elapsed += ms
    },
  }
}

async function times(count: number, pace: () => Promise<void>) {
  for (let done = 0; done < count; done++) await pace()
}

test('a small look does not wait', async () => {
  const clock = aClock()
  await times(200, createPace(clock))
  expect(clock.monotonic()).toBe(0)
})

test('no minute of a long look holds more than the 900 reads that GitHub allows', async () => {
  const clock = aClock()
  const begun: number[] = []
  const pace = createPace(clock)
  for (let read = 0; read < 3_000; read++) {
    await pace()
    begun.push(clock.monotonic())
  }
  const busiest = Math.max(...begun.map((from) => begun.filter((at) => at >= from && at < from + 60_000).length))
  expect(busiest).toBeLessThanOrEqual(900)
  expect(busiest).toBeGreaterThan(500)
})

test('calls that wait at the same time wait one behind the other', async () => {
  const waits: number[] = []
  const clock = { ...aClock(), sleep: async (ms: number) => void waits.push(ms) }
  const pace = createPace(clock, { burst: 1, perSecond: 10 })
  await Promise.all([pace(), pace(), pace()])
  expect(waits).toEqual([100, 200])
})

test('after a rest the next look does not wait', async () => {
  const clock = aClock()
  const pace = createPace(clock)
  await times(400, pace)
  clock.pass(60_000)
  const before = clock.monotonic()
  await times(200, pace)
  expect(clock.monotonic()).toBe(before)
})

test('200 registrations at once are made within 80 s, the first 40 of them without waiting', async () => {
  const clock = aClock()
  const pace = createPace(clock)
  const made: number[] = []
  for (let registration = 0; registration < 200; registration++) {
    await pace(undefined, points.write)
    made.push(clock.monotonic())
  }
  expect(made.filter((at) => at === 0)).toHaveLength(40)
  expect(made.at(-1)).toBeLessThanOrEqual(80_000)
  const busiest = Math.max(...made.map((from) => made.filter((at) => at >= from && at < from + 60_000).length))
  expect(busiest * points.write).toBeLessThanOrEqual(900)
})
