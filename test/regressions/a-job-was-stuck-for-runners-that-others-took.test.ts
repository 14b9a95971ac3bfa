import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

/** The youngest job has asked for a runner, which a job starts on. */
function startOf(id: string, over: Parameters<typeof aDispatch>[0] = {}) {
  const young = aJob({ id: 'young', dispatches: 3, ...(id === 'young' && { state: 'running', runnerName: 'r1' }) })
  const old = aJob({ id: 'old', ...(id === 'old' && { state: 'running', runnerName: 'r1' }) })
  const dispatch = aDispatch({
    job: { id: 'young', round: 1 },
    runner: 'r1',
    runnerName: 'r1',
    tiedBy: 'name',
    ...over,
  })
  const known = someFacts({
    jobs: [old, young],
    dispatches: [dispatch],
    runners: [aRunner({ name: 'r1', dispatch: dispatch.id })],
  })
  const { facts } = reconcile(known, nothingSeen, at('12:00:10'), someRules())
  return facts.jobs.find((job) => job.id === 'young')?.dispatches
}

// Runners take the oldest job, and it is the youngest that asks for one more: after three that older jobs took it was
// "stuck" for twice its target's ttl, although it had not had a single runner.
test('a runner that took another job does not count among those that its round may get', () => {
  expect(startOf('old')).toBe(2)
})

test('a runner that took the job that asked for it counts', () => {
  expect(startOf('young')).toBe(3)
})

test('a runner that takes job after job is given back once', () => {
  expect(startOf('old', { ran: { id: 'another', round: 1 } })).toBe(3)
})

test('it does not count either when only the answer tells whose runner took the other job', () => {
  const ran = { id: 'old', round: 1 }
  const [old, other, young] = [
    aJob({ id: 'old', state: 'running', runnerName: 'r1', startSpent: true }),
    aJob({ id: 'other', dispatches: 0 }),
    aJob({ id: 'young', dispatches: 1 }),
  ]
  const known = someFacts({
    jobs: [old, other, young],
    dispatches: [
      aDispatch({ id: 'a', named: false, job: { id: 'other', round: 1 }, runner: 'r1', tiedBy: 'inference', ran }),
      aDispatch({ id: 'b', named: false, job: { id: 'young', round: 1 }, runnerName: 'r1' }),
    ],
    runners: [aRunner({ name: 'r1', dispatch: 'a', state: 'busy', worked: true })],
  })
  const { facts } = reconcile(known, nothingSeen, at('12:00:10'), someRules())
  const counts = facts.jobs.map(({ id, dispatches }) => [id, dispatches])
  expect(counts).toEqual([
    ['old', 0],
    ['other', 1],
    ['young', 0],
  ])
})
