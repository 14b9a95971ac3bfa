import { expect, test } from 'vitest'
import { lookEnded, nextMode, startCadence, trustsWebhooks } from '../../src/core/cadence.ts'
import { at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

const settings = { disablePolling: true, pollInterval: 30_000, reconcileInterval: 300_000 }
const whole = { beganAt: at('12:00:00'), complete: true, jobsComplete: true, jobsFailed: false, retryAt: null }

// On GitHub they asked for the repositories with open jobs alone, each minute: the next lost job was none of those.
test('for an hour after a loss webhook_only looks at everything', () => {
  const first = startCadence(settings, at('12:00:00'))
  expect(trustsWebhooks(first, at('12:00:00'))).toBe(false)
  const looked = lookEnded(first, whole, at('12:00:01'))
  expect(trustsWebhooks(looked, at('12:00:01'))).toBe(true)
  const lost = nextMode(looked, 1, someFacts().signals, at('12:10:00'))
  expect(trustsWebhooks(lost, at('12:10:01'))).toBe(false)
  expect(trustsWebhooks(lost, at('13:10:01'))).toBe(true)
})
