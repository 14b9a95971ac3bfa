import { expect, test } from 'vitest'
import type { Facts } from '../../src/core/facts.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

const held = ({ dispatches }: Facts) => dispatches.map(({ id, runner, tiedBy }) => [id, runner, tiedBy])

// A runner that is seen before its dispatch is answered is tied to the oldest dispatch. The answer then named it, and both had it:
// the oldest one's own runner was on its way, and nobody waited for it any more, so that another was asked for.
test('a runner that an answer names is taken from the dispatch to which it was tied by inference', () => {
  const job = aJob({ id: '5', state: 'running', startSpent: true, runnerName: 'cloud-2' })
  const ran = { id: '5', round: 1 }
  const older = aDispatch({ id: 'a', named: false, runner: 'cloud-2', tiedBy: 'inference', ran })
  const newer = aDispatch({ id: 'b', named: false, runnerName: 'cloud-2' })
  const runner = aRunner({ name: 'cloud-2', state: 'busy', dispatch: 'a', worked: true })
  const known = someFacts({ jobs: [job], dispatches: [older, newer], runners: [runner] })
  const { facts } = reconcile(known, nothingSeen, at('12:00:10'), someRules())
  expect(held(facts)).toEqual([
    ['a', null, null],
    ['b', 'cloud-2', 'name'],
  ])
  expect(facts.dispatches.map((dispatch) => dispatch.ran)).toEqual([null, ran])
  expect(facts.runners[0]).toMatchObject({ dispatch: 'b' })
})

test('a dispatch that was tied by inference goes over to the runner of its own name when that shows itself', () => {
  const older = aDispatch({ id: 'a', named: false })
  const newer = aDispatch({ id: 'b', named: false, runner: 'cloud-1', tiedBy: 'inference', runnerName: 'cloud-2' })
  const runners = [aRunner({ name: 'cloud-1', dispatch: 'b' }), aRunner({ name: 'cloud-2' })]
  const { facts } = reconcile(
    someFacts({ dispatches: [older, newer], runners }),
    nothingSeen,
    at('12:00:10'),
    someRules(),
  )
  expect(held(facts)).toEqual([
    ['a', 'cloud-1', 'inference'],
    ['b', 'cloud-2', 'name'],
  ])
})

test('a dispatch whose runner bears no name that was answered stays with the one that it was tied to', () => {
  const dispatch = aDispatch({ id: 'b', named: false, runner: 'forge-7', tiedBy: 'inference', runnerName: 'machine-7' })
  const runner = aRunner({ name: 'forge-7', dispatch: 'b' })
  const { facts } = reconcile(
    someFacts({ dispatches: [dispatch], runners: [runner] }),
    nothingSeen,
    at('12:00:10'),
    someRules(),
  )
  expect(held(facts)).toEqual([['b', 'forge-7', 'inference']])
})
