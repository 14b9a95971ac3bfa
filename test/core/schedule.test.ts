import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entryAt, minIdleAt, nextScheduleChange, scheduleHoldsUntil } from '../../src/core/schedule.ts'
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

test('the entry that holds is told, and none where the own number does', () => {
  const [days, noon] = [entry('* 8-18 * * *', 2), entry('* 12 * * *', 5)]
  const held = (time: string) => entryAt({ schedule: [days, noon] }, at(time))
  expect([held('09:00:00'), held('12:59:59'), held('20:00:00')]).toEqual([days, noon, null])
})

// 2 March 2026 is a Monday.
const change = (time: string, minIdle: number, day = '2026-03-02') => ({ at: Date.parse(`${day}T${time}Z`), minIdle })

test.each([
  ['an entry begins', '07:59:59', [entry('* 8-18 * * *', 2)], change('08:00:00', 2)],
  ['an entry ends', '08:00:00', [entry('* 8-18 * * *', 2)], change('19:00:00', 0)],
  ['another goes before it', '08:00:00', [entry('* 8-18 * * *', 2), entry('* 12 * * *', 5)], change('12:00:00', 5)],
  ['the one before it is over', '12:30:10', [entry('* 8-18 * * *', 2), entry('* 12 * * *', 5)], change('13:00:00', 2)],
  ['it holds for one minute', '12:00:00', [entry('0 * * * *', 1)], change('12:01:00', 0)],
  ['weeks lie between', '12:00:00', [entry('30 6 24 12 *', 9)], change('06:30:00', 9, '2026-12-24')],
  ['a night of the weekend', '12:00:00', [entry('* 22 * * 6', 1)], change('22:00:00', 1, '2026-03-07')],
])('the next change is told when %s', (_, now, schedule, expected) => {
  expect(nextScheduleChange({ minIdle: 0, schedule }, at(now))).toEqual(expected)
})

test.each([
  ['no schedule', []],
  ['an entry that always holds', [entry('* * * * *', 3)]],
  ['an entry that asks for the same number', [entry('* 8-18 * * *', 0)]],
  ['a day that never comes', [entry('0 0 31 2 *', 1)]],
])('there is no next change with %s', (_, schedule) => {
  expect(nextScheduleChange({ minIdle: 0, schedule }, at('12:00:00'))).toBeNull()
})

test('a change is told for as long as it lies ahead, and then the one after it', () => {
  const target = { minIdle: 0, schedule: [entry('* 8-18 * * *', 2)] }
  const next = (time: string) => nextScheduleChange(target, at(time))
  expect([next('06:00:00'), next('07:59:59'), next('08:00:00'), next('05:00:00')]).toEqual([
    change('08:00:00', 2),
    change('08:00:00', 2),
    change('19:00:00', 0),
    change('08:00:00', 2),
  ])
})

test.each([
  // 02:00 to 03:00 does not exist on the one day and comes twice on the other.
  ['the hour that is left out in spring', '2026-03-28T22:00:00Z', '* 2 * * *', '2026-03-30T00:00:00Z'],
  ['hours around it', '2026-03-28T22:00:00Z', '* 1-3 * * *', '2026-03-29T00:00:00Z'],
  ['their end', '2026-03-29T00:00:00Z', '* 1-3 * * *', '2026-03-29T02:00:00Z'],
  ['the hour that comes twice in autumn', '2026-10-24T22:00:00Z', '* 2 * * *', '2026-10-25T00:00:00Z'],
  ['its end', '2026-10-25T00:00:00Z', '* 2 * * *', '2026-10-25T02:00:00Z'],
])('daylight saving is kept to: %s', (_, now, cron, expected) => {
  const schedule = [entry(cron, 1, 'Europe/Berlin')]
  expect(nextScheduleChange({ minIdle: 0, schedule }, Date.parse(now))?.at).toBe(Date.parse(expected))
})

test('a change is where the minutes say it is, whatever the pattern and the zone', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          cron: fc
            .tuple(
              fc.constantFrom('*', '0', '30-40', '*/7'),
              fc.constantFrom('*', '8-10', '2', '*/5'),
              fc.constantFrom('*', '28-31'),
              fc.constant('*'),
              fc.constantFrom('*', '1-5', '0'),
            )
            .map((fields) => fields.join(' ')),
          timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns'),
          minIdle: fc.integer({ min: 0, max: 2 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      fc.integer({ min: -600, max: 600 }),
      (schedule, offset) => {
        const target = { minIdle: 0, schedule }
        const now = Date.parse('2026-03-29T01:00:00Z') + offset * 60_000
        const said = nextScheduleChange(target, now)
        const held = minIdleAt(target, now)
        const ahead = Math.min(said?.at ?? Number.POSITIVE_INFINITY, now + 400 * 60_000)
        for (let moment = now; moment < ahead; moment += 60_000) expect(minIdleAt(target, moment)).toBe(held)
        if (said) expect(minIdleAt(target, said.at)).toBe(said.minIdle)
        expect(said?.minIdle).not.toBe(held)
      },
    ),
    { numRuns: 40 },
  )
})
