import { expect, test } from 'vitest'
import { owedLooks } from '../../src/core/owed.ts'
import { aDispatch, aRunner, at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

// Nothing looked when idle_timeout was over: a runner that nobody needed stood until the reconcile beat came by twice, and for ever where that is off.

const looks = (stoppable: ReadonlySet<string>, state: 'idle' | 'busy' = 'idle') => {
  const dispatch = aDispatch({ id: 'd1', runner: 'muster-d1', tiedBy: 'name', ttl: 40 * 60_000 })
  const runner = aRunner({
    name: 'muster-d1',
    dispatch: 'd1',
    state,
    idleSince: state === 'idle' ? at('12:00:10') : null,
  })
  const facts = someFacts({ dispatches: [dispatch], runners: [runner] })
  return owedLooks(facts, [], { rounds: { requeue: 'late' }, stoppable })
}

test('a look is owed when an idle runner of ours has stood for its idle_timeout, and at half its ttl', () => {
  expect(looks(new Set(['default']))).toEqual(expect.arrayContaining([at('12:05:10'), at('12:20:00')]))
})

test('none is owed for a runner at work, nor for one that nobody can stop', () => {
  const byItsEnd = [at('12:41:00') + 1, at('13:20:00')]
  expect(looks(new Set(['default']), 'busy')).toEqual(byItsEnd)
  expect(looks(new Set())).toEqual(byItsEnd)
})
