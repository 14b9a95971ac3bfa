import { expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { jobKey } from '../../src/core/job.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// The older round was counted as covered by the runner on its way to the younger one, which then asked for a second.
const fresh = aJob({ dispatches: 1 })
const dispatches = [aDispatch({ job: { id: fresh.id, round: 1 } })]
const decide = (known: Parameters<typeof aSnapshot>[0]) => {
  const { wanted, verdicts } = plan(aSnapshot({ dispatches, ...known }))
  return { wanted, kindOf: (job: typeof fresh) => verdicts.get(jobKey(job))?.kind }
}

test('a round in back-off leaves the runner on its way to the job that asked for it', () => {
  const held = aJob({ firstSeenAt: at('11:50:00'), dispatches: 1 })
  const backoffs = [{ key: backoffKey.idledJob('main', held), instance: 'main', failures: 5, until: at('12:10:00') }]
  const { wanted, kindOf } = decide({ jobs: [held, fresh], backoffs })
  expect([kindOf(held), kindOf(fresh)]).toEqual(['backoff', 'covered'])
  expect(wanted).toEqual([])
})

test('so does a stuck one, however long it has waited', () => {
  const held = aJob({ firstSeenAt: at('11:50:00'), dispatches: 3 })
  const { wanted, kindOf } = decide({ jobs: [held, fresh] })
  expect([kindOf(held), kindOf(fresh)]).toEqual(['stuck', 'covered'])
  expect(wanted).toEqual([])
})

test('but it takes what no other job needs', () => {
  const held = aJob({ firstSeenAt: at('11:50:00'), dispatches: 3 })
  const { kindOf } = decide({ jobs: [held] })
  expect(kindOf(held)).toBe('covered')
})
