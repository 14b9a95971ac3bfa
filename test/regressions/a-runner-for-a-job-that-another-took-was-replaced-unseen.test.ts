import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

test('past its boot_timeout a runner for a job that another took stands for min_idle until a look could tell', () => {
  const job = aJob({ state: 'running', runnerName: 'other' })
  const dispatch = aDispatch({ job, intendedAt: at('12:00:00'), bootTimeout: 120_000 })
  const facts = { jobs: [job], dispatches: [dispatch] }
  const now = at('12:02:00')
  const targets = [aTarget({ minIdle: 1 })]

  expect(plan(aSnapshot({ targets, now, runnersSeenAt: at('12:01:00'), ...facts })).wanted).toEqual([])
  expect(plan(aSnapshot({ targets, now, runnersSeenAt: at('12:02:01'), ...facts })).wanted).toHaveLength(1)
})
