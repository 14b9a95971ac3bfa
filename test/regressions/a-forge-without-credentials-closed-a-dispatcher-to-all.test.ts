import { expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { foldOutcome } from '../../src/core/outcome.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'

// Three times "no credential" from one forge, and the jobs of every other instance on the same dispatcher said `dispatcher_down`.
test('a dispatch refused before it was sent holds its own job back, not the dispatcher', () => {
  const job = aJob({ dispatches: 1 })
  const dispatch = aDispatch({ state: 'intended', job: { id: job.id, round: 1 } })
  const refused = { kind: 'refused', at: at('12:00:05'), reason: 'no credential: 403', retryAt: null } as const
  const { backoffs } = foldOutcome({ dispatch, job, backoffs: new Map() }, refused)
  expect(backoffs.map(({ key }) => key)).toEqual([backoffKey.refusedJob('main', job, 'default')])
})
