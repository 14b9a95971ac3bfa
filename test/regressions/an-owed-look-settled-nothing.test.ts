import { expect, test } from 'vitest'
import { owedLooks } from '../../src/core/owed.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'
import { nothingSeen, seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

const rules = (requeue: 'soon' | 'late') => ({ rounds: { requeue }, stoppable: new Set<string>() })

// The look began in the very millisecond that it was owed for, which was too early to prove anything; where `reconcile_interval` is 0 no other came.
test.each`
  by            | what                                        | over
  ${'12:06:00'} | ${'an unknown start, after boot_timeout'}   | ${{ state: 'unknown' }}
  ${'12:06:00'} | ${'one whose cover was ended, too'}         | ${{ state: 'unknown', coverEndedAt: at('12:00:10') }}
  ${'12:22:00'} | ${'a runner never seen, after ttl + 1 min'} | ${{}}
`('the slot is freed by the look that is owed: of $what', ({ by, over }) => {
  const known = someFacts({ dispatches: [aDispatch(over)] })
  const moment = Math.max(...owedLooks(known, [], rules('late')).filter((owed) => owed <= at(by)))
  expect(reconcile(known, seenRunners(moment, []), moment + 50, someRules()).facts.dispatches).toEqual([])
})

// Nothing woke the worker then: the round was opened by whatever came next.
test('without a job list, what was kept until the finish is 60 s old is seen to then', () => {
  const finished = { seenFinishedAt: at('12:00:00'), requeuedAt: at('12:00:10'), announcedQueued: false }
  const known = someFacts({ jobs: [aJob({ id: '5', state: 'finished', ...finished })] })
  const last = Math.max(...owedLooks(known, [], rules('soon')))
  const { jobs } = reconcile(known, nothingSeen, last, someRules({ jobsListed: false })).facts
  expect(jobs.map(({ round, state }) => `${round} ${state}`)).toEqual(['1 finished', '2 queued'])
})
