import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aJob, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// Gitea 1.24 has no job list. A runner that was through with a job of a second ended before the forge had told of its start:
// the job still counted as queued, and got another runner, and a third.

const verdictAt = (now: number, doubtedAt: number | null) => {
  const job = aJob({ doubtedAt })
  return [...plan(aSnapshot({ now, jobs: [job], jobsListed: false })).verdicts.values()][0]
}

test('when the runner of a job has ended, its events get ten seconds to come before it gets another', () => {
  const ended = at('12:00:10')
  expect(verdictAt(at('12:00:10'), ended)).toMatchObject({
    kind: 'covered',
    reason: 'events_awaited',
    until: at('12:00:20'),
  })
  expect(verdictAt(at('12:00:20'), ended)?.kind).toBe('dispatching')
})

test('a job that has had no runner yet waits for no events', () => {
  expect(verdictAt(at('12:00:10'), null)?.kind).toBe('dispatching')
})
