import { expect, test } from 'vitest'
import { owedLooks } from '../../src/core/owed.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

/** Whether a look is owed for what is known, from this moment on and within the next 2 s. */
const isOwedAt = (time: string, known: Parameters<typeof aSnapshot>[0], requeue: 'soon' | 'late' = 'late') => {
  const snapshot = aSnapshot(known)
  const owed = owedLooks(snapshot.facts, plan(snapshot).verdicts.values(), {
    rounds: { requeue },
    stoppable: new Set(),
  })
  return owed.some((moment) => moment >= at(time) && moment < at(time) + 2_000)
}

test('a look is owed when an idle runner has not taken a job that it fits for 60 s', () => {
  expect(isOwedAt('12:01:10', { jobs: [aJob({ firstSeenAt: at('12:00:10') })], runners: [aRunner()] })).toBe(true)
})

test('a look is owed when a dispatch passes boot_timeout unseen, and when it passes ttl and a minute', () => {
  const dispatches = [aDispatch()]
  expect(isOwedAt('12:05:00', { dispatches })).toBe(true)
  expect(isOwedAt('12:21:00', { dispatches })).toBe(true)
  const tied = [aDispatch({ runner: 'r1' })]
  expect(isOwedAt('12:05:00', { dispatches: tied })).toBe(false)
  expect(isOwedAt('12:21:00', { dispatches: tied })).toBe(true)
})

test('a look is owed when a finished job is announced as queued again: at once where that tells, else when lists are believed', () => {
  const requeuedAt = at('12:00:10')
  const jobs = [aJob({ state: 'finished', deliveredAt: requeuedAt, requeuedAt })]
  expect(isOwedAt('12:00:10', { jobs }, 'soon')).toBe(true)
  expect(isOwedAt('12:00:10', { jobs }, 'late')).toBe(false)
  expect(isOwedAt('12:01:10', { jobs }, 'late')).toBe(true)
})
