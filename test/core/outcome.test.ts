import { describe, expect, test } from 'vitest'
import { type Backoff, backoffKey } from '../../src/core/backoff.ts'
import { foldOutcome, type Outcome } from '../../src/core/outcome.ts'
import { aDispatch, aJob, at } from '../support/builders.ts'

const job = aJob({ id: '5', dispatches: 1 })
const sent = aDispatch({ id: 'd1', state: 'sent', job: { id: '5', round: 1 }, answeredAt: null })
const fold = (outcome: Outcome, over: { dispatch?: object; job?: object; backoffs?: Backoff[] } = {}) =>
  foldOutcome(
    {
      dispatch: { ...sent, ...over.dispatch },
      job: { ...job, ...over.job },
      backoffs: new Map((over.backoffs ?? []).map((backoff) => [backoff.key, backoff])),
    },
    outcome,
  )
const now = at('12:00:01')
const refused: Outcome = { kind: 'refused', at: now, reason: 'no room', retryAt: null }
const accepted: Outcome = { kind: 'accepted', at: now, name: 'nsc-1', late: false, blocking: false }

describe('a refusal', () => {
  test('frees the slot at once and does not count among the runners of its round', () => {
    expect(fold(refused)).toMatchObject({ dispatch: { state: 'refused', goneAt: now }, job: { dispatches: 0 } })
  })

  test.each`
    before | until
    ${0}   | ${'12:00:02'}
    ${1}   | ${'12:00:03'}
    ${2}   | ${'12:00:05'}
    ${3}   | ${'12:00:09'}
    ${5}   | ${'12:00:31'}
    ${9}   | ${'12:00:31'}
  `('after $before others has its job asked again at $until', ({ before, until }) => {
    const key = backoffKey.refusedJob('main', job)
    const backoffs = before ? [{ key, instance: 'main', failures: before, until: 0 }] : []
    expect(fold(refused, { backoffs }).backoffs.find((backoff) => backoff.key === key)?.until).toBe(at(until))
  })

  test('is not asked again before the time that it named', () => {
    const { backoffs } = fold({ ...refused, retryAt: at('12:10:00') })
    expect(backoffs.find(({ key }) => key === backoffKey.refusedJob('main', job))?.until).toBe(at('12:10:00'))
  })
})

test('three refused or unknown in a row open the breaker, one that went well closes it', () => {
  const key = backoffKey.breaker('default')
  const after = (failures: number, outcome: Outcome) =>
    fold(outcome, { backoffs: [{ key, instance: '', failures, until: 0 }] })
  expect(after(1, refused).backoffs.find((backoff) => backoff.key === key)).toMatchObject({ failures: 2, until: now })
  const unknown: Outcome = { kind: 'unknown', at: now, reason: 'reset' }
  expect(after(2, unknown).backoffs).toEqual([{ key, instance: '', failures: 3, until: at('12:00:02') }])
  expect(after(3, refused).backoffs.find((backoff) => backoff.key === key)?.until).toBe(at('12:00:03'))
  expect(after(7, accepted).cleared).toContain(key)
})

describe('an answer that came late', () => {
  const late: Outcome = { ...accepted, late: true } as Outcome

  test('is an acceptance while the job still waits and no runner was seen', () => {
    expect(fold(late)).toMatchObject({ dispatch: { state: 'accepted', goneAt: null, runnerName: 'nsc-1' } })
  })

  test.each`
    why                      | over
    ${'its runner was seen'} | ${{ dispatch: { runner: 'nsc-1' } }}
    ${'its job has started'} | ${{ job: { state: 'running' } }}
    ${'its job is finished'} | ${{ job: { state: 'finished' } }}
  `('is the end of a runner when $why', ({ over }) => {
    expect(fold(late, over).dispatch).toMatchObject({ goneAt: now, goneReason: 'answered' })
  })

  test('is the end of a runner when the dispatcher is known to block', () => {
    expect(fold({ ...late, blocking: true } as Outcome).dispatch.goneReason).toBe('answered')
  })
})

test('a dispatch that is gone stays as it is', () => {
  const gone = { goneAt: at('12:00:00'), goneReason: 'job_finished' }
  expect(fold(accepted, { dispatch: gone }).dispatch).toMatchObject({ state: 'sent', ...gone })
})

test('a runner that we ended idle while its round still waits holds that round back', () => {
  const stopped: Outcome = { kind: 'gone', at: now, why: 'stopped' }
  expect(fold(stopped).backoffs).toMatchObject([{ key: backoffKey.idledJob('main', job), until: at('12:01:01') }])
  expect(fold(stopped, { job: { state: 'finished' } }).backoffs).toEqual([])
})
