import { expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aJob, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// A dispatcher that refuses for days left a row for each job that came and went, and every turn read them all.
test('a refusal is forgotten with the round that it held back', () => {
  const job = aJob({ state: 'finished', conclusion: 'cancelled' })
  const key = backoffKey.refusedJob('main', job, 'default')
  const backoffs = [{ key, instance: 'main', failures: 3, until: at('12:00:04') }]
  const { changes } = reconcile(someFacts({ jobs: [job], backoffs }), nothingSeen, at('12:00:05'), someRules())
  expect(changes.cleared).toEqual([key])
})
