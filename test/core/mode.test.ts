import { expect, test } from 'vitest'
import { lookBegan, lookEnded, nextMode, startCadence } from '../../src/core/cadence.ts'
import { at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

test('after a further loss only jobs first seen since, and a look begun since, bring the trust in webhooks back', () => {
  const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
  const { signals } = someFacts()
  const once = nextMode({ ...startCadence(settings, at('12:00:00')), mode: 'webhook' }, 1, signals, at('12:10:00'))
  const beganAt = at('12:10:30')
  const clean = lookEnded(
    lookBegan(once, beganAt),
    { beganAt, complete: true, jobsComplete: true, jobsFailed: false, retryAt: null },
    at('12:10:31'),
  )
  expect(clean.cleanLook).toBe(true)
  expect(nextMode(clean, 1, signals, at('12:20:00'))).toMatchObject({
    mode: 'polling',
    distrustedSince: at('12:20:00'),
    cleanLook: false,
  })
})
