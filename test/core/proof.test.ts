import { describe, expect, test } from 'vitest'
import type { Look } from '../../src/core/look.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, aToldJob, at } from '../support/builders.ts'
import { listed, nothingSeen, seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

type Known = Parameters<typeof someFacts>[0]

const queuedIn = (time: string, complete = true) => listed(at(time), [aToldJob({ id: '5' })], { complete })
const emptyOf = (time: string) => listed(at(time), [])
const brought = (known: Known, look: Look, over = {}, now = look.beganAt + 1_000) =>
  reconcile(someFacts(known), look, now, someRules(over)).facts
const rounds = (known: Known, look: Look, over = {}) =>
  brought(known, look, over).jobs.map(({ round, state }) => `${round} ${state}`)

describe('a look proves nothing', () => {
  test('of a new round when a page of it is missing', () => {
    const running = aJob({ id: '5', state: 'running' })
    expect(rounds({ jobs: [running] }, queuedIn('12:05:00', false))).toEqual(['1 running'])
    expect(rounds({ jobs: [running] }, queuedIn('12:05:00'))).toEqual(['1 finished', '2 queued'])
  })

  test('of a re-run that was announced after it began', () => {
    const requeued = aJob({ id: '5', state: 'finished', deliveredAt: at('12:00:10'), requeuedAt: at('12:00:10') })
    const soon = { rounds: { requeue: 'soon' } }
    expect(rounds({ jobs: [requeued] }, queuedIn('12:00:09'), soon)).toEqual(['1 finished'])
    expect(rounds({ jobs: [requeued] }, queuedIn('12:00:10'), soon)).toEqual(['1 finished', '2 queued'])
  })

  test('of a webhook that got lost when a page of it is missing', () => {
    expect(brought({}, queuedIn('12:00:00', false)).jobs[0]?.listedAt).toBeNull()
    expect(brought({}, queuedIn('12:00:00')).jobs[0]?.listedAt).toBe(at('12:00:00'))
  })

  test('of the end of a job that was first seen after it began', () => {
    const seen = aJob({ id: '5', firstSeenAt: at('12:00:10'), deliveredAt: null })
    expect(rounds({ jobs: [seen] }, emptyOf('12:00:09'))).toEqual(['1 queued'])
    expect(rounds({ jobs: [seen] }, emptyOf('12:00:11'))).toEqual(['1 finished'])
  })
})

test('a runner that only a job told of is missed in a list no sooner than 60 s later', () => {
  const told = aRunner({ state: 'busy', listedAt: null })
  const gone = (time: string) => brought({ runners: [told] }, seenRunners(at(time), [])).runners.length === 0
  expect([gone('12:00:59'), gone('12:01:00')]).toEqual([false, true])
})

test('a round that a newer one has ended is no start on a runner that nobody knows', () => {
  const jobs = [aJob({ id: '5' }), aJob({ id: '5', round: 2 })]
  const facts = brought({ jobs, dispatches: [aDispatch()] }, nothingSeen, {}, at('12:00:40'))
  expect(facts.dispatches[0]?.coverEndedAt).toBeNull()
})

describe('a job that starts on a runner that nobody knows', () => {
  const started = (over = {}) => aJob({ id: '5', state: 'running', seenRunningAt: at('12:00:30'), ...over })

  test('spends no idle runner that a later look has listed', () => {
    const idle = (listedAt: number) => aRunner({ firstSeenAt: at('12:00:00'), listedAt })
    const states = (listedAt: number) =>
      brought({ jobs: [started()], runners: [idle(listedAt)] }, nothingSeen, {}, at('12:00:40')).runners[0]?.state
    expect(states(at('12:00:29'))).toBe('busy')
    expect(states(at('12:00:31'))).toBe('idle')
  })

  test('ends the cover of the dispatch that is bound to it, before that of an older one', () => {
    const dispatches = [
      aDispatch({ id: 'older' }),
      aDispatch({ id: 'bound', handle: 'h1', job: { id: '5', round: 1 }, intendedAt: at('12:00:05') }),
    ]
    const facts = brought({ jobs: [started({ handle: 'h1' })], dispatches }, nothingSeen, {}, at('12:00:31'))
    expect(facts.dispatches.map(({ coverEndedAt }) => coverEndedAt)).toEqual([null, at('12:00:31')])
  })
})

test('a job of which a delivery still spoke within the day has not expired', () => {
  const day = 24 * 60 * 60_000
  const told = aJob({ id: '5', deliveredAt: at('12:00:10') })
  const state = (now: number) => brought({ jobs: [told] }, nothingSeen, {}, now).jobs[0]?.state
  expect(state(at('12:00:10') + day - 1)).toBe('queued')
  expect(state(at('12:00:10') + day)).toBe('finished')
})
