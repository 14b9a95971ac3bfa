import { expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, at } from '../support/builders.ts'
import { seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// A dispatcher that blocks answers its probe only when the runner has ended: all other jobs waited for as long as that one lived.
test('a probe whose runner has come closes the breaker, though no answer has', () => {
  const key = backoffKey.breaker('default')
  const backoffs = [{ key, instance: '', failures: 3, until: at('12:00:01') }]
  const cleared = (intendedAt: number) => {
    const dispatches = [aDispatch({ id: 'd1', state: 'sent', intendedAt })]
    const look = seenRunners(at('12:00:20'), [{ name: 'muster-d1' }])
    return reconcile(someFacts({ dispatches, backoffs }), look, at('12:00:21'), someRules()).changes.cleared
  }
  expect(cleared(at('12:00:00'))).toEqual([key])
  // Sent before the breaker opened: it says nothing of how the dispatcher fares since.
  expect(cleared(at('11:59:59'))).toEqual([])
})
