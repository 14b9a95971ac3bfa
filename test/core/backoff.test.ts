import { expect, test } from 'vitest'
import { backoffKey, longDelay, shortDelay } from '../../src/core/backoff.ts'
import { plan } from '../../src/core/plan.ts'
import { aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const delays = (delay: (failures: number) => number, unit: number) =>
  [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => delay(failures) / unit)

test('after refusals it is tried again in 1, 2, 4 … 30 s, after runners that idled out in as many minutes', () => {
  expect(delays(shortDelay, 1_000)).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
  expect(delays(longDelay, 60_000)).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
})

test.each`
  what                                    | key                                                     | instance  | failures
  ${'a refusal of a runner for min_idle'} | ${backoffKey.refusedTarget('main', 'linux', 'default')} | ${'main'} | ${1}
  ${'an open breaker'}                    | ${backoffKey.breaker('default')}                        | ${''}     | ${3}
`('$what holds min_idle back for its time, and wakes the worker then', ({ key, instance, failures }) => {
  const backoffs = [{ key, instance, failures, until: at('12:00:12') }]
  const decide = (now: number) => plan(aSnapshot({ targets: [aTarget({ minIdle: 1 })], backoffs, now }))
  expect(decide(at('12:00:11'))).toMatchObject({ wanted: [], wakeAt: at('12:00:12') })
  expect(decide(at('12:00:12')).wanted).toHaveLength(1)
})
