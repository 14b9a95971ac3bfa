import { describe, expect, test } from 'vitest'
import { foldOutcome, type Outcome } from '../../src/core/outcome.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// A dispatcher that answered after its timeout, when its runner was up, was taken for one that blocks: the slot of a runner at work was freed,
// and from then on each slow answer freed one. max was passed.

const job = { id: '5', round: 1 }
const late: Outcome = { kind: 'accepted', at: at('12:00:21'), name: 'nsc-1', outlived: 15_000, blocking: false }
const answered = (dispatch: object, state: 'running' | 'finished') =>
  foldOutcome(
    {
      dispatch: aDispatch({ state: 'sent', job, answeredAt: null, named: false, ...dispatch }),
      job: aJob({ id: '5', state }),
      backoffs: new Map(),
    },
    late,
  ).dispatch

test('an answer that comes when the runner has just begun to work keeps its slot', () => {
  const up = { runner: 'nsc-1', tiedBy: 'inference', tiedAt: at('12:00:20') }
  expect(answered(up, 'running').goneAt).toBeNull()
})

test('an answer for a job that another runner has taken keeps the slot of its own', () => {
  expect(answered({}, 'running').goneAt).toBeNull()
  expect(answered({}, 'finished').goneAt).toBeNull()
})

describe('where no list shows runners, the slot of a late answer', () => {
  const spent = { coverEndedAt: at('12:00:20'), coverEndedBy: job, late: true, runner: null }
  const goneReasons = (dispatch: object, state: 'running' | 'finished') =>
    reconcile(
      someFacts({
        jobs: [aJob({ ...job, state, startSpent: true })],
        dispatches: [aDispatch({ named: false, runnerName: null, ...dispatch })],
      }),
      nothingSeen,
      at('12:01:00'),
      someRules(),
    ).changes.dispatches.map(({ goneReason }) => goneReason)

  test('is free when the job that spent its cover is over', () => {
    expect(goneReasons(spent, 'finished')).toEqual(['answered'])
  })

  test('is held while that job runs, and where the answer came in time', () => {
    expect(goneReasons(spent, 'running')).toEqual([])
    expect(goneReasons({ ...spent, late: false }, 'finished')).toEqual([])
  })
})
