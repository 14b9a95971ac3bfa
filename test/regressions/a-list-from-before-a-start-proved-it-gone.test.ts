import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// A look lasted some seconds and brought a list from its beginning: what had been started meanwhile was missing from it, and its slot was freed.
test('a list proves nothing of what was accepted after it was asked for', () => {
  const dispatches = [aDispatch({ host: 'here', intendedAt: at('12:00:00'), answeredAt: at('12:00:05') })]
  const left = (askedAt: number) => {
    const running = new Map([['default', { askedAt, complete: true, dispatches: [] }]])
    const rules = someRules({ lists: new Set(['default']) })
    return reconcile(someFacts({ dispatches }), { ...nothingSeen, running }, at('12:00:08'), rules).facts.dispatches
  }
  expect(left(at('12:00:04'))).toHaveLength(1)
  expect(left(at('12:00:06'))).toEqual([])
})
