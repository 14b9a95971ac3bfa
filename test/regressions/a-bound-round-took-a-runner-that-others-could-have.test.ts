import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// Its own runner offered more labels, so the idle one was spent first, and the next job asked for a runner although two were there for two jobs.
test('a round takes the runner that is bound to it, and leaves an idle one to those that can use it', () => {
  const bound = aJob({ firstSeenAt: at('11:59:00'), handle: 'h1', dispatches: 1 })
  const dispatches = [aDispatch({ handle: 'h1', job: { id: bound.id, round: 1 }, labels: ['linux', 'x64'] })]
  expect(plan(aSnapshot({ jobs: [bound, aJob()], dispatches, runners: [aRunner()] })).wanted).toEqual([])
})
