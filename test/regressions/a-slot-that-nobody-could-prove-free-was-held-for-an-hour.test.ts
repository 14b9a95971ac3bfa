import { expect, test } from 'vitest'
import { owedLooks } from '../../src/core/owed.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// Twice its ttl was over, and nothing woke the worker: with webhooks and `reconcile_interval: 0` the slot stayed taken until something else came.
test('the last look that is owed for a dispatch brings the turn that gives its slot up', () => {
  const known = someFacts({ dispatches: [aDispatch()] })
  const last = Math.max(...owedLooks(known, [], { rounds: { requeue: 'late' }, stoppable: new Set() }))
  const { changes } = reconcile(known, nothingSeen, last, someRules())
  expect(changes.dispatches).toMatchObject([{ goneReason: 'freed_without_proof' }])
})
