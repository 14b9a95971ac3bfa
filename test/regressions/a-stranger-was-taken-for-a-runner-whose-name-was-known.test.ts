import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, at } from '../support/builders.ts'
import { seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// When the stranger went, the slot of the runner that was still booting went with it, and max was passed.
test('a dispatch whose runner has been named waits for that name', () => {
  const dispatches = [aDispatch({ named: false, runnerName: 'nsc-1' })]
  const come = (name: string) =>
    reconcile(someFacts({ dispatches }), seenRunners(at('12:00:20'), [{ name }]), at('12:00:21'), someRules()).facts
  expect(come('a stranger').dispatches).toMatchObject([{ runner: null }])
  expect(come('nsc-1').dispatches).toMatchObject([{ runner: 'nsc-1', tiedBy: 'name' }])
})
