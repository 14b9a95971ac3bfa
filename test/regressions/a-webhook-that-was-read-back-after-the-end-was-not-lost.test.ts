import { expect, test } from 'vitest'
import { foldDelivery } from '../../src/core/intake.ts'
import { aDeliveredJob, aJob, aToldJob, at } from '../support/builders.ts'
import { bring, listed, nothingSeen, someRules } from '../support/reconciling.ts'

const finished = aJob({ id: '5', state: 'finished', announcedQueued: false, startSpent: true })
const queued = aDeliveredJob({ id: '5' })
const called = (via: 'http' | 'recovered') => {
  const job = foldDelivery(finished, queued, { instance: 'main', id: 'd2', at: at('12:05:00'), via })
  if (!job) throw new Error('it is written')
  return job
}
const loss = { ...someRules().loss, firstRecoveredAt: at('11:00:00') }

// A runner that was idle had taken it before the next beat read its lost "queued" back.
test('a "queued" that is read back after the job has ended is a lost webhook', () => {
  expect(bring({ jobs: [called('recovered')] }, nothingSeen, at('12:05:00'), { loss }).lost).toBe(1)
  expect(bring({ jobs: [called('http')] }, nothingSeen, at('12:05:00'), { loss }).lost).toBe(0)
})

test('a round that opens after a "queued" was read back was not announced by a webhook', () => {
  const again = (via: 'http' | 'recovered') => {
    const look = listed(at('12:06:00'), [aToldJob({ id: '5' })])
    return bring({ jobs: [called(via)] }, look, at('12:06:01'), { loss }).facts.jobs.find(({ round }) => round === 2)
  }
  expect(again('recovered')).toMatchObject({ state: 'queued', announcedAt: null })
  expect(again('http')).toMatchObject({ state: 'queued', announcedAt: at('12:05:00') })
})
