import { expect, test } from 'vitest'
import { createAttempts } from '../../src/server/attempts.ts'
import { aStandingClock } from './intake-world.ts'

const failTenTimes = ({ failed }: ReturnType<typeof createAttempts>, peer: string) =>
  Array.from({ length: 10 }, () => failed(peer))

test('each peer has ten attempts of its own, and then is told how long to wait', () => {
  const attempts = createAttempts(aStandingClock())
  expect(failTenTimes(attempts, 'a')).toEqual(Array(10).fill(null))
  expect(attempts.failed('a')).toBe(60)
  expect(attempts.failed('b')).toBeNull()
})

test('waiting is what helps: further attempts do not lengthen it', () => {
  const clock = aStandingClock()
  const attempts = createAttempts(clock)
  failTenTimes(attempts, 'a')
  clock.pass(59_500)
  expect(attempts.failed('a')).toBe(1)
  clock.pass(500)
  expect(attempts.failed('a')).toBeNull()
})

test('a flood of addresses is forgotten, the oldest first', () => {
  const attempts = createAttempts(aStandingClock())
  failTenTimes(attempts, 'first')
  for (let peer = 0; peer < 4_095; peer++) attempts.failed(String(peer))
  expect(attempts.failed('first')).toBe(60)
  attempts.failed('one too many')
  expect(attempts.failed('first')).toBeNull()
})
