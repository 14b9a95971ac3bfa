import { expect, test } from 'vitest'
import { minIdleAt, scheduleHoldsUntil } from '../../src/core/schedule.ts'
import { at } from '../support/builders.ts'

const entry = (cron: string, minIdle: number, timezone = 'UTC') => ({ cron, timezone, minIdle })

test('of several entries that match a minute the last one wins', () => {
  const schedule = [entry('* 8-18 * * *', 2), entry('* 12 * * *', 5), entry('0 0 * * *', 7)]
  const held = (time: string) => minIdleAt({ minIdle: 1, schedule }, at(time))
  expect([held('08:00:00'), held('12:30:59'), held('18:59:59'), held('19:00:00')]).toEqual([2, 5, 2, 1])
})

test('an entry counts in the hours of its time zone', () => {
  const schedule = [entry('* 9 * * *', 3, 'Asia/Tokyo')]
  const held = (time: string) => minIdleAt({ minIdle: 0, schedule }, at(time))
  expect([held('00:00:00'), held('00:59:59'), held('09:00:00')]).toEqual([3, 3, 0])
})

test('an answer holds until its minute is over', () => {
  expect(scheduleHoldsUntil({ schedule: [entry('* * * * *', 1)] }, at('12:00:10'))).toBe(at('12:01:00'))
  expect(scheduleHoldsUntil({ schedule: [] }, at('12:00:10'))).toBeNull()
})
