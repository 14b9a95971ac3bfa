import { describe, expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { jobKey } from '../../src/core/job.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const job = aJob({ id: '7' })
const fallback = ['cloud', 'spare']
const refusal = (dispatcher: string, until = '12:00:20', key = backoffKey.refusedJob('main', job, dispatcher)) => ({
  key,
  instance: 'main',
  failures: 1,
  until: at(until),
})
const openBreaker = (dispatcher: string, until = '12:00:30') => ({
  key: backoffKey.breaker(dispatcher),
  instance: '',
  failures: 3,
  until: at(until),
})

/** Where the one job is asked for, or why it is not. */
function asked(backoffs: ReturnType<typeof refusal>[], targets = [aTarget({ fallback })]) {
  const { wanted, verdicts } = plan(aSnapshot({ jobs: [job], targets, backoffs }))
  const { kind, reason, dispatcher, until } = verdicts.get(jobKey(job)) ?? {}
  return { wanted: wanted.map(({ dispatcher, others }) => [dispatcher, ...others]), kind, reason, dispatcher, until }
}

describe('a job of a target with other dispatchers to fall back to', () => {
  test("is asked of the target's own dispatcher, the others behind it", () => {
    expect(asked([])).toMatchObject({
      wanted: [['default', 'cloud', 'spare']],
      kind: 'dispatching',
      reason: null,
      dispatcher: 'default',
    })
  })

  test.each`
    refused                 | first
    ${['default']}          | ${'cloud'}
    ${['default', 'cloud']} | ${'spare'}
  `('that $refused refused is asked of $first at once, and says why', ({ refused, first }) => {
    const { wanted, ...told } = asked(refused.map((name: string) => refusal(name)))
    expect(wanted[0]?.[0]).toBe(first)
    expect(told).toMatchObject({ kind: 'dispatching', reason: 'fallback_refused', dispatcher: first })
  })

  test('waits once all have refused it, until the first of them may be asked again', () => {
    const all = [refusal('default', '12:00:25'), refusal('cloud'), refusal('spare', '12:00:30')]
    expect(asked(all)).toMatchObject({ wanted: [], kind: 'backoff', reason: 'refused', until: at('12:00:20') })
    expect(asked([refusal('default', '12:00:05')]).wanted).toEqual([['default', 'cloud', 'spare']])
  })

  test('is not asked again of one that refused it while another is down', () => {
    const targets = [aTarget({ fallback: ['cloud'] })]
    expect(asked([openBreaker('default'), refusal('cloud')], targets)).toMatchObject({ wanted: [], kind: 'backoff' })
  })

  test('passes over a dispatcher whose breaker is open', () => {
    expect(asked([openBreaker('default')])).toMatchObject({
      wanted: [['cloud', 'spare']],
      reason: 'fallback_down',
      dispatcher: 'cloud',
    })
    expect(asked([openBreaker('default'), openBreaker('cloud')]).wanted).toEqual([['spare']])
  })

  test('waits for the first breaker that lets a probe through when all are open', () => {
    const all = [openBreaker('default', '12:00:40'), openBreaker('cloud', '12:00:25'), openBreaker('spare')]
    expect(asked(all)).toMatchObject({ wanted: [], kind: 'dispatcher_down', until: at('12:00:25') })
  })

  test('is not asked of another while an answer is unknown: a runner may be on its way', () => {
    const dispatches = [aDispatch({ job: { id: '7', round: 1 }, state: 'unknown', reason: 'reset' })]
    const { wanted, verdicts } = plan(aSnapshot({ jobs: [job], dispatches, targets: [aTarget({ fallback })] }))
    expect(wanted).toEqual([])
    expect(verdicts.get(jobKey(job))).toMatchObject({ kind: 'covered', dispatcher: 'default' })
  })

  test('that is covered from elsewhere says from where, and why', () => {
    const elsewhere = aDispatch({ job: { id: '7', round: 1 }, dispatcher: 'cloud', instead: 'max_parallel' })
    const { verdicts } = plan(aSnapshot({ jobs: [job], dispatches: [elsewhere], targets: [aTarget({ fallback })] }))
    const told = { kind: 'covered', dispatcher: 'cloud', reason: 'fallback_max_parallel' }
    expect(verdicts.get(jobKey(job))).toMatchObject(told)
  })
})

test('a warm runner is asked of the next dispatcher, too', () => {
  const targets = [aTarget({ fallback, minIdle: 1 })]
  const backoffs = [refusal('default', '12:00:20', backoffKey.refusedTarget('main', 'linux', 'default'))]
  const { wanted } = plan(aSnapshot({ targets, backoffs }))
  expect(wanted).toMatchObject([{ job: null, dispatcher: 'cloud', instead: 'refused', others: ['spare'] }])
})

test('a probe of one dispatcher keeps nobody from another', () => {
  const [one, other] = [aJob({ id: '1' }), aJob({ id: '2' })]
  const backoffs = [openBreaker('default', '12:00:05')]
  const { wanted } = plan(aSnapshot({ jobs: [one, other], targets: [aTarget({ fallback })], backoffs }))
  expect(wanted.map(({ dispatcher }) => dispatcher)).toEqual(['default', 'cloud'])
})
