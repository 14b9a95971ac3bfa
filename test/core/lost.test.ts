import { describe, expect, test } from 'vitest'
import { aJob, at } from '../support/builders.ts'
import { bring, nothingSeen, someRules } from '../support/reconciling.ts'

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}

describe('a lost webhook', () => {
  const unannounced = aJob({ id: '5', deliveredAt: null, announcedAt: null, listedAt: at('12:00:00') })
  const lost = (job = unannounced, now = '12:01:00', loss = {}) =>
    bring({ jobs: [job] }, nothingSeen, at(now), { loss: { ...someRules().loss, ...loss } }).lost

  test('is counted once, webhook_grace after the look that listed the job', () => {
    expect(lost(unannounced, '12:00:59')).toBe(0)
    const { lost: counted, facts } = bring({ jobs: [unannounced] }, nothingSeen, at('12:01:00'))
    expect(counted).toBe(1)
    expect(lost(only(facts.jobs), '12:02:00')).toBe(0)
  })

  test.each`
    why                                           | job                                | loss
    ${'a webhook came in time'}                   | ${{ announcedAt: at('12:00:30') }} | ${{}}
    ${'the first look of the process found it'}   | ${{}}                              | ${{ firstLookAt: at('12:00:00') }}
    ${'no job event came yet while polling'}      | ${{}}                              | ${{ firstJobEventAt: null }}
    ${'it was listed before the first job event'} | ${{}}                              | ${{ firstJobEventAt: at('12:00:30') }}
  `('is not counted when $why', ({ job, loss }) => {
    expect(lost({ ...unannounced, ...job }, '12:05:00', loss)).toBe(0)
  })

  test('is counted without any job event where webhooks are all there is', () => {
    expect(lost(unannounced, '12:01:00', { firstJobEventAt: null, needsJobEvent: false })).toBe(1)
  })

  const readBack = aJob({ announcedAt: null, recoveredAt: at('12:00:30') })

  test('is counted at once when the delivery was read back from the forge, and only once', () => {
    const rules = { firstRecoveredAt: at('12:00:00') }
    expect(lost(readBack, '12:00:30', rules)).toBe(1)
    expect(lost({ ...readBack, lostAt: at('12:00:30') }, '12:05:00', rules)).toBe(0)
  })

  test.each`
    why                                                  | loss
    ${'it was lost before this process began to listen'} | ${{ firstRecoveredAt: at('12:00:30') }}
    ${'no job event came yet while polling'}             | ${{ firstRecoveredAt: at('12:00:00'), firstJobEventAt: null }}
  `('that was read back is not counted when $why', ({ loss }) => {
    expect(lost(readBack, '12:05:00', loss)).toBe(0)
  })

  test('is counted even when the job was over before its grace was', () => {
    expect(lost({ ...unannounced, state: 'finished', startSpent: true })).toBe(1)
  })
})
