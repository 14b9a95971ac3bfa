import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aRunner, aTarget } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// The plain target's floor took the gpu runner, the gpu target asked for another, and a third one stood beside them for ever.
test('min_idle of overlapping targets is filled with the most specific runner last', () => {
  const targets = [aTarget({ minIdle: 1 }), aTarget({ name: 'gpu', labels: ['linux', 'gpu'], minIdle: 1 })]
  const runners = [aRunner({ labels: ['linux', 'gpu'] }), aRunner({ labels: ['linux'] })]
  expect(plan(aSnapshot({ targets, runners })).wanted).toEqual([])
})
