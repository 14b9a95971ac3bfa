import { expect, test } from 'vitest'
import { type Backoff, backoffKey } from '../../src/core/backoff.ts'
import { plan } from '../../src/core/plan.ts'
import { type RetryRows, retry } from '../../src/core/retry.ts'
import { aDispatch, aJob, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const now = at('12:01:00')
const target = aTarget({ fallback: ['cloud'] })
const round = { id: '7', round: 1 }
const aRow = (over: Parameters<typeof aJob>[0] = {}) => aJob({ id: '7', ...over })

function aBackoff(key: string, over: Partial<Backoff> = {}): Backoff {
  return { key, instance: 'main', failures: 1, until: at('12:30:00'), ...over }
}

function rows(over: Partial<RetryRows> = {}, ...backoffs: Backoff[]): RetryRows {
  return { job: aRow(), dispatches: [], backoffs: new Map(backoffs.map((it) => [it.key, it])), paused: false, ...over }
}

const refused = aBackoff(backoffKey.refusedJob('main', round, 'default'))
const refusedToo = aBackoff(backoffKey.refusedJob('main', round, 'cloud'))
const idled = aBackoff(backoffKey.idledJob('main', round), { failures: 4 })
const breaker = (name: string) => aBackoff(backoffKey.breaker(name), { instance: '', failures: 5 })
const unknown = aDispatch({ job: round, state: 'unknown', sentAt: at('12:00:30') })

test.each<[string, RetryRows, string[]]>([
  ['refusals', rows({}, refused, refusedToo), ['backoff_cleared']],
  ['a runner that idled out', rows({}, idled), ['backoff_cleared']],
  ['too many runners', rows({ job: aRow({ dispatches: 3 }) }), ['allowance_renewed']],
  ['dispatchers that are down', rows({}, breaker('default'), breaker('cloud')), ['dispatcher_probed']],
  ['a start that nobody knows of', rows({ dispatches: [unknown] }), ['unknown_given_up']],
  [
    'everything at once',
    rows({ job: aRow({ dispatches: 4 }), dispatches: [unknown] }, refused, idled, breaker('default'), breaker('cloud')),
    ['backoff_cleared', 'allowance_renewed', 'dispatcher_probed', 'unknown_given_up'],
  ],
])('what %s holds back is asked for at once after a retry', (_, before, effects) => {
  const asked = ({ job, dispatches, backoffs }: Omit<RetryRows, 'paused'>) =>
    plan(aSnapshot({ targets: [target], jobs: [job], dispatches, backoffs: [...backoffs.values()], now })).wanted.length
  expect(asked(before)).toBe(0)

  const done = retry(before, target, now)
  if (typeof done === 'string') throw new Error(done)
  expect(done.effects).toEqual(effects)
  const backoffs = new Map(before.backoffs)
  for (const key of done.cleared) backoffs.delete(key)
  for (const row of done.backoffs) backoffs.set(row.key, row)
  const dispatches = before.dispatches.map((one) => done.dispatches.find(({ id }) => id === one.id) ?? one)
  expect(asked({ job: done.job, dispatches, backoffs })).toBe(1)
})

test.each<[string, RetryRows]>([
  ['waiting', rows({ job: aRow({ state: 'waiting' }) }, refused)],
  ['running', rows({ job: aRow({ state: 'running' }) }, refused)],
  ['finished', rows({ job: aRow({ state: 'finished' }) }, refused)],
  ['paused', rows({ paused: true }, refused)],
  ['unhindered', rows()],
])('there is nothing to retry where the job is %s', (why, before) => {
  expect(retry(before, target, now)).toBe(why)
})

test('a job without a target is not retried: a person has to mend that', () => {
  expect(retry(rows({ job: aRow({ target: null, unassigned: 'unmatched' }) }, refused), null, now)).toBe('unassigned')
})

test.each<[string, RetryRows]>([
  ['a back-off that is over', rows({}, aBackoff(refused.key, { until: now }))],
  ['the back-off of another job', rows({}, aBackoff(backoffKey.refusedJob('main', { id: '77', round: 1 }, 'default')))],
  ['the breaker of another dispatcher', rows({}, breaker('elsewhere'))],
  ['failures that opened no breaker', rows({}, { ...breaker('default'), failures: 2 })],
  ['a runner that was accepted', rows({ dispatches: [aDispatch({ job: round })] })],
  ['a start that is too long ago to be waited for', rows({ dispatches: [{ ...unknown, sentAt: at('11:00:00') }] })],
])('%s is nothing that a retry could take away', (_, before) => {
  expect(retry(before, target, now)).toBe('unhindered')
})

test('a breaker that is probed keeps its failures: only the next start tells more', () => {
  expect(retry(rows({}, breaker('default')), target, now)).toMatchObject({
    backoffs: [{ key: backoffKey.breaker('default'), failures: 5, until: now }],
    cleared: [],
  })
})
