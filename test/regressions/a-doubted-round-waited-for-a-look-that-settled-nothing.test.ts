import { expect, test } from 'vitest'
import { owedLooks } from '../../src/core/owed.ts'
import { aJob, at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

// The look at once came too early to be believed against the last delivery, no other followed, and a minute later the round, long over, got another runner.
test('a round in doubt is looked for again as soon as an absence proves its end', () => {
  const jobs = [aJob({ firstSeenAt: at('12:00:00'), doubtedAt: at('12:00:08') })]
  const rules = { rounds: { requeue: 'late' as const }, stoppable: new Set<string>() }
  expect(owedLooks(someFacts({ jobs }), [], rules)).toEqual([at('12:00:08'), at('12:01:00')])
})
