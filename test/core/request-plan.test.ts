import { expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRequest, aRunner, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const api = { dispatcher: 'elsewhere' }
const now = at('12:00:10')

/** What is asked for: the job's id, the request's id, or `min_idle`. */
function asked(over: Parameters<typeof aSnapshot>[0]): string[] {
  const { wanted } = plan(aSnapshot({ api, now, ...over }))
  return wanted.map(({ job, request, dispatcher }) => `${job?.id ?? request?.id ?? 'min_idle'} at ${dispatcher}`)
}

const requests = ['a', 'b', 'c'].map((id) => aRequest({ id }))

test('requests are started in their order, after the jobs and before min_idle, where their target is or else by default', () => {
  const targets = [aTarget({ dispatcher: 'here', minIdle: 1 })]
  const jobs = [aJob({ id: '1' })]
  const known = [aRequest({ id: 'a' }), aRequest({ id: 'b', labels: ['unknown'] })]
  expect(asked({ targets, jobs, requests: known })).toEqual([
    '1 at here',
    'a at here',
    'b at elsewhere',
    'min_idle at here',
  ])
})

test('the max of a target is no limit to requests, and requests take no room of it', () => {
  const targets = [aTarget({ max: 1 })]
  const dispatches = [aDispatch({ target: 'api' }), aDispatch({ target: 'api' })]
  expect(asked({ targets, requests, dispatches, jobs: [aJob({ id: '1' })] })).toHaveLength(4)
})

test('a pause holds them, and so does a configuration that does not offer them any more', () => {
  expect(asked({ requests, paused: true })).toEqual([])
  expect(asked({ requests, api: null })).toEqual([])
})

test('a dispatcher whose breaker is open gets one as its probe, in its time', () => {
  const breaker = { key: backoffKey.breaker('default'), instance: '', failures: 3, until: now + 1 }
  const closed = plan(aSnapshot({ api, now, requests, backoffs: [breaker] }))
  expect([closed.wanted, closed.wakeAt]).toEqual([[], breaker.until])
  expect(asked({ requests, backoffs: [{ ...breaker, until: now }] })).toEqual(['a at default'])
})

test('one that could not be sent waits for its back-off and holds up no other', () => {
  const backoff = {
    key: backoffKey.refusedRequest('main', 'a', 'default'),
    instance: 'main',
    failures: 1,
    until: now + 500,
  }
  expect(asked({ requests, backoffs: [backoff] })).toEqual(['b at default', 'c at default'])
  expect(plan(aSnapshot({ api, now, requests, backoffs: [backoff] })).wakeAt).toBe(now + 500)
  expect(asked({ requests, backoffs: [{ ...backoff, until: now }] })).toContain('a at default')
})

test('the runner of a request serves no job and no min_idle, whether it is on its way or idle', () => {
  const coming = aDispatch({ target: 'api' })
  const came = aDispatch({ target: 'api', runner: 'muster-x', tiedBy: 'name' })
  const idle = aRunner({ name: 'muster-x', dispatch: came.id, idleLooks: 9 })
  const targets = [aTarget({ minIdle: 1 })]
  const known = { targets, jobs: [aJob({ id: '1' })], dispatches: [coming, came], runners: [idle] }
  expect(asked(known)).toEqual(['1 at default', 'min_idle at default'])
})

test('the runner of a request is not ended when it is idle', () => {
  const dispatch = aDispatch({ target: 'api', runner: 'muster-x', tiedBy: 'name' })
  const idle = aRunner({ name: 'muster-x', dispatch: dispatch.id, idleLooks: 9 })
  const known = { dispatches: [dispatch], runners: [idle], stoppable: new Set(['default']), now: at('12:19:00') }
  expect(plan(aSnapshot({ api, ...known })).stops).toEqual([])
  const ours = { ...known, dispatches: [{ ...dispatch, target: 'linux' }] }
  expect(plan(aSnapshot({ api, ...ours })).stops).toHaveLength(1)
})
