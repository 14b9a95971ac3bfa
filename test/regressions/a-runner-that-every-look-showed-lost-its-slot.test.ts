import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aRunner, at } from '../support/builders.ts'
import { nothingSeen, seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// Twice a ttl of 30 s is over before the look that is owed at ttl + 1 min: the slot was "freed without proof", and max was passed.
const dispatches = [aDispatch({ id: 'd1', runner: 'r1', tiedBy: 'inference', named: false, ttl: 30_000 })]
const runners = [aRunner({ name: 'r1', dispatch: 'd1', state: 'busy' })]
const reasons = (beganAt: number, now: number) => {
  const look = beganAt === 0 ? nothingSeen : seenRunners(beganAt, [{ name: 'r1', state: 'busy' }])
  const { changes } = reconcile(someFacts({ dispatches, runners }), look, now, someRules())
  return changes.dispatches.flatMap(({ goneReason }) => goneReason ?? [])
}

test('a runner that outlives a short ttl keeps its slot while looks still show it at work', () => {
  expect(reasons(at('12:01:10'), at('12:01:11'))).toEqual([])
  expect(reasons(at('12:01:31'), at('12:01:32'))).toEqual([])
})

test('and loses it after twice its ttl where no look came back', () => {
  expect(reasons(0, at('12:00:59'))).toEqual([])
  expect(reasons(0, at('12:01:00'))).toEqual(['freed_without_proof'])
})
