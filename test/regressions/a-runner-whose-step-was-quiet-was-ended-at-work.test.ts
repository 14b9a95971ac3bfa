import { expect, test } from 'vitest'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRunner, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

// Forgejo calls a runner idle whose job wrote nothing for 10 s, and its jobs name no runner: one in a quiet step was taken for idle,
// deregistered and stopped.

const now = at('12:30:00')
const job = aJob({ id: '7', state: 'running', seenRunningAt: at('12:01:00'), runnerName: null })
const dispatch = aDispatch({ id: 'd', runner: 'muster-d', tiedBy: 'name', ttl: 3_600_000, ran: { id: '7', round: 1 } })
const quiet = {
  name: 'muster-d',
  id: '1',
  dispatch: 'd',
  state: 'idle',
  idleLooks: 9,
  idleSince: at('12:20:00'),
} as const
const stops = (over: Partial<typeof dispatch>, worked: boolean, jobs = [job]) =>
  plan(
    aSnapshot({
      jobs,
      dispatches: [{ ...dispatch, ...over }],
      runners: [aRunner({ ...quiet, worked })],
      targets: [aTarget()],
      stoppable: new Set(['default']),
      now,
    }),
  ).stops.map(({ why }) => why)

test('a bound runner is let be while its round runs', () => {
  const bound = { handle: 'h', job: { id: '7', round: 1 } }
  expect(stops(bound, false)).toEqual([])
  expect(stops(bound, false, [{ ...job, state: 'finished' }])).toEqual(['job_over'])
})

test('one that was seen at work is let be while a job runs that it may be on', () => {
  expect(stops({}, true)).toEqual([])
  expect(stops({}, true, [{ ...job, runnerName: 'another' }])).toEqual(['idle_timeout'])
  expect(stops({}, true, [{ ...job, labels: ['macos'] }])).toEqual(['idle_timeout'])
  expect(stops({}, false)).toEqual(['idle_timeout'])
})
