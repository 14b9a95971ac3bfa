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
const accepted: Outcome = { kind: 'accepted', at: now, name: 'nsc-1', outlived: null, blocking: false }

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
    const key = backoffKey.refusedJob('main', job, 'default')
    const backoffs = before ? [{ key, instance: 'main', failures: before, until: 0 }] : []
    expect(fold(refused, { backoffs }).backoffs.find((backoff) => backoff.key === key)?.until).toBe(at(until))
  })

  test('is not asked again before the time that it named', () => {
    const { backoffs } = fold({ ...refused, retryAt: at('12:10:00') })
    expect(backoffs.find(({ key }) => key === backoffKey.refusedJob('main', job, 'default'))?.until).toBe(
      at('12:10:00'),
    )
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
  const late: Outcome = { ...accepted, outlived: 15_000 } as Outcome

  test('is an acceptance while the job still waits and no runner was seen', () => {
    expect(fold(late)).toMatchObject({ dispatch: { state: 'accepted', goneAt: null, runnerName: 'nsc-1' } })
  })

  const longAgo = { sentAt: at('11:50:00'), tiedAt: at('11:59:00') }
  const justNow = { sentAt: at('11:59:00'), tiedAt: at('11:59:50') }
  const spent = { sentAt: at('11:50:00'), coverEndedAt: at('11:59:00') }

  test.each`
    why                                                       | dispatch                                      | ends
    ${'the runner that it names was seen long ago'}           | ${{ ...longAgo, runner: 'nsc-1' }}            | ${true}
    ${'the runner that it names was seen a moment ago'}       | ${{ ...justNow, runner: 'nsc-1' }}            | ${false}
    ${'it names another runner than the one that was seen'}   | ${{ ...longAgo, runner: 'nsc-2' }}            | ${false}
    ${'a job took its runner unseen, and boot_timeout is up'} | ${spent}                                      | ${true}
    ${'a job took its runner unseen, within boot_timeout'}    | ${{ ...spent, sentAt: at('11:58:00') }}       | ${false}
    ${'a job took its runner unseen, a moment ago'}           | ${{ ...spent, coverEndedAt: at('11:59:50') }} | ${false}
  `('when $why: the end of a runner is $ends', ({ dispatch, ends }) => {
    const folded = fold(late, { dispatch: { ...sent, ...dispatch } }).dispatch
    expect(folded).toMatchObject(ends ? { goneAt: now, goneReason: 'answered' } : { goneAt: null, late: true })
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
