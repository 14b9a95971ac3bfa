import { expect, test } from 'vitest'
import type { Verdict } from '../../src/core/verdict.ts'
import { aDispatch, aJob, aRequest, aRunner, aStoredEvent, aTarget, at } from '../support/builders.ts'
import { anAdminWorld, anInstance, aWorker } from './admin-world.ts'

const aVerdict = (over: Partial<Verdict>): Verdict => ({
  kind: 'dispatching',
  target: 'linux',
  reason: null,
  by: null,
  dispatcher: null,
  until: null,
  ...over,
})

test.each(['instances', 'targets', 'dispatchers', 'jobs', 'runners', 'dispatches', 'events'])(
  'the list of %s is a page',
  async (list) => {
    const { get } = anAdminWorld()
    const { status, body } = await get(`/api/v1/${list}`)
    expect(status).toBe(200)
    expect(body).toEqual({ items: expect.any(Array), next: null })
  },
)

test('a queued job says why it has no runner', async () => {
  const job = aJob({ id: '12345678901234567890', queuedAt: at('11:59:00'), labels: ['linux', 'gpu'], runId: '9' })
  const full = aVerdict({ kind: 'full', reason: 'max', until: at('12:05:00') })
  const { get } = anAdminWorld({ rows: { jobs: [{ ...job, verdict: full }] } })
  expect((await get('/api/v1/jobs')).body).toEqual({
    next: null,
    items: [
      {
        instance: 'main',
        id: '12345678901234567890',
        round: 1,
        name: 'build',
        state: 'queued',
        conclusion: null,
        verdict: 'full',
        reason: 'max',
        until: '2026-03-02T12:05:00.000Z',
        covered_by: null,
        dispatcher: null,
        target: 'linux',
        labels: ['linux', 'gpu'],
        repository: 'acme/widgets',
        run_id: '9',
        runner: null,
        url: null,
        dispatches: 0,
        queued_at: '2026-03-02T11:59:00.000Z',
        started_at: null,
        finished_at: null,
        first_seen_at: '2026-03-02T12:00:00.000Z',
      },
    ],
  })
})

test('a queued job that no turn has seen has no verdict yet', async () => {
  const { get } = anAdminWorld({ rows: { jobs: [aJob({ id: '1' })] } })
  expect((await get('/api/v1/jobs/main/1')).body).toMatchObject({ state: 'queued', verdict: null, reason: null })
})

test.each([
  ['running', 'running'],
  ['finished', null],
] as const)('a job that has moved on to %s since the last plan no longer shows that plan', async (state, verdict) => {
  const kept = aVerdict({ kind: 'full', reason: 'max' })
  const { get } = anAdminWorld({ rows: { jobs: [{ ...aJob({ id: '1', state }), verdict: kept }] } })
  expect((await get('/api/v1/jobs/main/1')).body).toMatchObject({ state, verdict, reason: null })
})

test('a covered job names what is on its way', async () => {
  const verdict = aVerdict({ kind: 'covered', by: { dispatch: 'd-7' } })
  const { get } = anAdminWorld({ rows: { jobs: [{ ...aJob({ id: '1' }), verdict }] } })
  expect((await get('/api/v1/jobs/main/1')).body).toMatchObject({ covered_by: { runner: null, dispatch: 'd-7' } })
})

test('a job is told in its newest round, or the one asked for, with its trail from the beginning', async () => {
  const jobs = [aJob({ id: '1', round: 1, state: 'finished' }), aJob({ id: '1', round: 2 })]
  const of = (round: number) => ({ id: '1', round })
  const events = [
    aStoredEvent({ type: 'job_queued', job: of(2), at: at('12:09:00') }),
    aStoredEvent({ type: 'job_finished', job: of(1), at: at('12:05:00'), detail: { conclusion: 'success' } }),
    aStoredEvent({ type: 'job_queued', job: of(1), at: at('12:01:00') }),
    aStoredEvent({ type: 'job_queued', job: { id: '2', round: 1 } }),
  ]
  const { get } = anAdminWorld({ rows: { jobs, events } })
  expect((await get('/api/v1/jobs/main/1')).body).toMatchObject({
    round: 2,
    trail: [{ at: '2026-03-02T12:09:00.000Z' }],
  })
  expect((await get('/api/v1/jobs/main/1?round=1')).body).toMatchObject({
    round: 1,
    trail: [{ type: 'job_queued' }, { type: 'job_finished', detail: { conclusion: 'success' } }],
  })
})

test.each(['/api/v1/jobs/main/2', '/api/v1/jobs/other/1', '/api/v1/jobs/main/1?round=7', '/api/v1/instances/other'])(
  '%s is not there',
  async (path) => {
    const { get } = anAdminWorld({ rows: { jobs: [aJob({ id: '1' })] } })
    expect(await get(path)).toMatchObject({ status: 404, type: 'application/problem+json' })
  },
)

test.each([
  'jobs?limit=0',
  'jobs?limit=501',
  'jobs?limit=x',
  'jobs?limit=',
  'jobs?state=asleep',
  'jobs?stat=queued',
  'jobs?cursor=',
  'jobs?instance=a&instance=b',
  'events?type=job_vanished',
  'events?job=1',
  'events?runner=one',
  'events?instance=main&round=1',
  'events?since=yesterday',
  'jobs/main/1?round=0',
  'jobs/main/1?round=1.5',
  'runners?gone=maybe',
  'runners?cursor=elsewhere',
  'targets?cursor=elsewhere',
])('%s is refused, and the problem names what is wrong', async (query) => {
  const { get } = anAdminWorld({ rows: { jobs: [aJob({ id: '1' })] } })
  const { status, type, body } = await get(`/api/v1/${query}`)
  expect([status, type]).toEqual([400, 'application/problem+json'])
  expect(body.detail).toEqual(expect.stringMatching(/limit|state|stat|cursor|instance|round|gone|type|since/))
})

test('lists are filtered, and paged to the end', async () => {
  const jobs = ['a', 'b', 'c', 'd', 'e'].map((id) => aJob({ id, state: id === 'c' ? 'finished' : 'queued' }))
  const { get } = anAdminWorld({ rows: { jobs: [...jobs, aJob({ instance: 'other' }), aJob({ target: 'windows' })] } })
  const query = '/api/v1/jobs?instance=main&target=linux&state=queued&limit=3'
  const first = await get(query)
  expect(first.body).toMatchObject({ items: [{ id: 'a' }, { id: 'b' }, { id: 'd' }], next: expect.any(String) })
  expect((await get(`${query}&cursor=${first.body.next}`)).body).toMatchObject({ items: [{ id: 'e' }], next: null })
})

test('jobs are filtered by verdict, however many others lie between', async () => {
  const waiting = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => {
    const kind = id === 'd' || id === 'h' ? ('full' as const) : ('covered' as const)
    return { ...aJob({ id }), verdict: aVerdict({ kind }) }
  })
  const { get } = anAdminWorld({ rows: { jobs: [...waiting, aJob({ id: 'x', state: 'running' })] } })
  const found: string[][] = []
  let cursor: string | null = ''
  do {
    const { items, next } = (await get(`/api/v1/jobs?verdict=full&limit=2${cursor && `&cursor=${cursor}`}`)).body as {
      items: { id: string }[]
      next: string | null
    }
    found.push(items.map(({ id }) => id))
    cursor = next
  } while (cursor !== null)
  expect(found).toEqual([['d'], ['h']])
  expect((await get('/api/v1/jobs?verdict=running')).body).toMatchObject({ items: [{ id: 'x' }], next: null })
  expect((await get('/api/v1/jobs?verdict=running&state=queued')).body).toEqual({ items: [], next: null })
  expect((await get('/api/v1/jobs?verdict=lost')).status).toBe(400)
})

test('what is configured is paged too', async () => {
  const instances = ['a', 'b', 'c'].map((name) => anInstance({ name }))
  const { get } = anAdminWorld({ instances })
  const first = await get('/api/v1/instances?limit=2')
  expect(first.body).toMatchObject({ items: [{ name: 'a' }, { name: 'b' }], next: 'b' })
  expect((await get('/api/v1/instances?limit=2&cursor=b')).body).toMatchObject({ items: [{ name: 'c' }], next: null })
})

test('a dispatch whose runner has not shown itself is a booting runner', async () => {
  const dispatches = [
    aDispatch({ id: 'booting' }),
    aDispatch({ id: 'shown', runner: 'muster-shown' }),
    aDispatch({ id: 'overdue', intendedAt: at('11:00:00') }),
    aDispatch({ id: 'gone', goneAt: at('12:00:00'), goneReason: 'runner_gone' }),
  ]
  const runners = [
    aRunner({ name: 'muster-shown', dispatch: 'shown', state: 'busy' }),
    aRunner({ name: 'foreign' }),
    aRunner({ name: 'old', state: 'gone' }),
  ]
  const { get } = anAdminWorld({ rows: { dispatches, runners } })
  expect((await get('/api/v1/runners')).body).toMatchObject({
    next: null,
    items: [
      { name: 'muster-booting', state: 'booting', target: 'linux', dispatch: 'booting', id: null },
      { name: 'muster-shown', state: 'busy', target: 'linux', dispatch: 'shown' },
      { name: 'foreign', state: 'idle', target: null, dispatch: null },
    ],
  })
})

test.each([1, 2, 3, 4, 500])('runners in pages of %i come once each, booting ones first', async (limit) => {
  const dispatches = ['a', 'b', 'c', 'd', 'e'].map((id) => aDispatch({ id, runner: 'bd'.includes(id) ? id : null }))
  const runners = ['v', 'w', 'x'].map((name) => aRunner({ name }))
  const { get } = anAdminWorld({ rows: { dispatches, runners } })
  const names: unknown[] = []
  let next: unknown = null
  do {
    const { body } = await get(`/api/v1/runners?limit=${limit}${next === null ? '' : `&cursor=${next}`}`)
    const items = body.items as { name: string }[]
    expect(items.length).toBeLessThanOrEqual(limit)
    names.push(...items.map(({ name }) => name))
    next = body.next
  } while (next !== null)
  expect(names).toEqual(['muster-a', 'muster-c', 'muster-e', 'v', 'w', 'x'])
})

test('gone runners are told when they are asked for', async () => {
  const { get } = anAdminWorld({
    rows: { runners: [aRunner({ name: 'here' }), aRunner({ name: 'old', state: 'gone' })] },
  })
  expect((await get('/api/v1/runners?gone=true')).body).toMatchObject({ items: [{ name: 'old', state: 'gone' }] })
})

test('a dispatch tells how far it came and how long it covers', async () => {
  const dispatches = [
    aDispatch({ id: 'd', job: { id: '1', round: 2 } }),
    aDispatch({ state: 'intended' }),
    aDispatch({ state: 'refused', reason: 'no room' }),
  ]
  const { get } = anAdminWorld({ rows: { dispatches } })
  expect((await get('/api/v1/dispatches')).body).toMatchObject({
    items: [
      {
        id: 'd',
        state: 'accepted',
        job: { id: '1', round: 2 },
        covers_until: '2026-03-02T12:05:00.000Z',
        gone_at: null,
      },
      { state: 'intended', sent_at: null, covers_until: null },
      { state: 'refused', covers_until: null, gone_reason: 'refused', reason: 'no room' },
    ],
  })
  expect((await get('/api/v1/dispatches?live=false')).body).toMatchObject({ items: [{ state: 'refused' }] })
})

test('an instance tells its mode, its last look, its hook and what its forge can do', async () => {
  const { worker } = aWorker({
    mode: 'webhook',
    capabilities: {
      version: '15.0.1',
      jobs: true,
      runners: true,
      jobEvents: false,
      hooks: true,
      registration: 'each',
      recovers: false,
    },
    lastLook: { beganAt: at('11:59:30'), complete: false, error: 'GET /api/v1/version got no answer: ECONNREFUSED' },
    nextLookAt: at('12:04:30'),
    hook: { id: '3', done: 'repaired', notes: ['it dropped workflow_job'] },
  })
  const { get } = anAdminWorld({ workers: new Map([['main', worker]]) })
  expect((await get('/api/v1/instances/main')).body).toEqual({
    name: 'main',
    forge: 'forgejo',
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    mode: 'webhook',
    health: 'failing',
    paused: false,
    pause: null,
    dry_run: false,
    targets: ['linux'],
    capabilities: {
      version: '15.0.1',
      jobs: true,
      runners: true,
      job_events: false,
      hooks: true,
      registration: 'each',
      recovers: false,
    },
    last_look: {
      began_at: '2026-03-02T11:59:30.000Z',
      complete: false,
      error: 'GET /api/v1/version got no answer: ECONNREFUSED',
    },
    next_look_at: '2026-03-02T12:04:30.000Z',
    webhook: {
      path: '/webhook/main',
      last_delivery_at: null,
      last_job_event_at: null,
      secrets: [{ source: 'value', uses: 0, last_used_at: null }],
      hook: { id: '3', done: 'repaired', notes: ['it dropped workflow_job'] },
    },
  })
})

test('an instance whose worker does not run yet is told all the same', async () => {
  const { get } = anAdminWorld({ instances: [anInstance({ secrets: [] })] })
  expect((await get('/api/v1/instances/main')).body).toMatchObject({
    ...{ mode: null, health: 'starting', last_look: null, webhook: null },
  })
})

test('an operator pauses an instance, resumes it, and asks for a look', async () => {
  const { worker, asked } = aWorker()
  const { app, get } = anAdminWorld({ workers: new Map([['main', worker]]) })
  const post = (what: string) => app.request(`/api/v1/instances/main/${what}`, { method: 'POST' })
  expect(await (await post('pause')).json()).toMatchObject({ name: 'main', paused: true })
  expect((await get('/api/v1/instances/main')).body).toMatchObject({ paused: true })
  expect(await (await post('resume')).json()).toMatchObject({ paused: false })
  expect((await post('look')).status).toBe(202)
  expect(asked).toEqual(['look'])
})

test('a pause tells who made it, when and why, and stays theirs when somebody else pauses again', async () => {
  const tokens = { read: 'token-of-a-reader', operate: 'token-of-an-operator', admin: 'token-of-an-admin' }
  const { app } = anAdminWorld({ tokens })
  const post = (path: string, token: string, body?: object) =>
    app.request(`/api/v1/instances/main/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    })
  const pause = { at: '2026-03-02T12:00:00.000Z', by: 'operate', reason: 'the disk is being replaced' }
  expect(await (await post('pause', tokens.operate, { reason: pause.reason })).json()).toMatchObject({ pause })
  expect(await (await post('pause', tokens.admin)).json()).toMatchObject({ paused: true, pause })
  expect(await (await post('resume', tokens.admin, {})).json()).toMatchObject({ paused: false, pause: null })
  expect((await post('pause', tokens.admin, { reason: '' })).status).toBe(400)
  expect((await post('pause', tokens.admin, { why: 'x' })).status).toBe(400)
  expect((await post('pause', tokens.admin, { reason: 'x'.repeat(5_000) })).status).toBe(413)
})

test.each(['pause', 'resume', 'look'])('there is nothing to %s at an instance that nobody configured', async (what) => {
  const { app, store } = anAdminWorld()
  expect((await app.request(`/api/v1/instances/other/${what}`, { method: 'POST' })).status).toBe(404)
  expect(await store.paused('other')).toBeNull()
})

test('targets are told with the min_idle of this minute, the entry that says so, and the next change', async () => {
  const days = { cron: '* 8-18 * * *', timezone: 'UTC', minIdle: 1 }
  const noon = { cron: '* 12 * * *', timezone: 'UTC', minIdle: 3 }
  const targets = [aTarget({ schedule: [days, noon] }), aTarget({ name: 'big', ttl: 90_000 })]
  const { get } = anAdminWorld({ instances: [anInstance({ targets }), anInstance({ name: 'other' })] })
  expect((await get('/api/v1/targets?instance=main')).body).toMatchObject({
    items: [
      {
        instance: 'main',
        name: 'linux',
        min_idle: 3,
        schedule: [
          { cron: '* 8-18 * * *', timezone: 'UTC', min_idle: 1, holds: false },
          { cron: '* 12 * * *', timezone: 'UTC', min_idle: 3, holds: true },
        ],
        next_change_at: '2026-03-02T13:00:00.000Z',
        next_min_idle: 1,
        max: 20,
        ttl_seconds: 1200,
      },
      { name: 'big', min_idle: 0, schedule: [], next_change_at: null, next_min_idle: null, ttl_seconds: 90 },
    ],
  })
})

test('a dispatcher tells how much it runs, and that it blocks once that was seen', async () => {
  const lanes = new Map([['default', { blocking: true, traits: { names: false } }]])
  const { get } = anAdminWorld({ lanes })
  expect((await get('/api/v1/dispatchers')).body).toMatchObject({
    items: [{ name: 'default', kind: 'http', timeout_seconds: 15, live: 0, blocking: true }],
  })
})

test('a dispatcher tells what waits for it, and when its open breaker lets the next start through', async () => {
  const rows = { requests: [aRequest(), aRequest({ labels: ['nobody offers this'] })] }
  const { get, backoffs } = anAdminWorld({ rows })
  const breakerOf = async () => (await get('/api/v1/dispatchers')).body
  const breaker = { key: 'breaker/default', instance: '' }
  const closed = { state: 'closed', failures: 0, next_try_at: null }
  expect(await breakerOf()).toMatchObject({ items: [{ requests: 2, breaker: closed }] })
  backoffs.push({ ...breaker, failures: 2, until: at('12:00:00') })
  expect(await breakerOf()).toMatchObject({ items: [{ breaker: { ...closed, failures: 2 } }] })
  backoffs[0] = { ...breaker, failures: 3, until: at('12:00:05') }
  const open = { state: 'open', failures: 3, next_try_at: '2026-03-02T12:00:05.000Z' }
  expect(await breakerOf()).toMatchObject({ items: [{ breaker: open }] })
})

test('a target tells its jobs, and what became of the runners that it asked for', async () => {
  const { get, state } = anAdminWorld({
    instances: [anInstance({ targets: [aTarget(), aTarget({ name: 'other' })] })],
  })
  const place = { instance: 'main', target: 'linux' }
  const jobs = { ...place, unassigned: null, oldestAt: 0 }
  state.overview = {
    jobs: [
      { ...jobs, state: 'queued', jobs: 2 },
      { ...jobs, state: 'running', jobs: 1 },
      { ...jobs, instance: 'other', state: 'running', jobs: 7 },
    ],
    runners: [
      { ...place, dispatcher: 'default', state: 'busy', runners: 2 },
      { ...place, dispatcher: 'cloud', state: 'busy', runners: 1 },
      { ...place, dispatcher: 'default', state: 'booting', runners: 4 },
    ],
  }
  expect((await get('/api/v1/targets')).body).toMatchObject({
    items: [
      {
        ...{ name: 'linux', live: 7, jobs: { queued: 2, running: 1 } },
        runners: { booting: 4, idle: 0, busy: 3, unseen: 0 },
      },
      { name: 'other', live: 0, jobs: { queued: 0, running: 0 } },
    ],
  })
  expect((await get('/api/v1/dispatchers')).body).toMatchObject({ items: [{ name: 'default', live: 6 }] })
})

test.each([
  ['', ['booting', 'idle', 'busy', 'offline']],
  ['state=booting', ['booting']],
  ['state=busy', ['busy']],
  ['state=gone', ['gone']],
  ['gone=true', ['gone']],
  ['gone=false', ['booting', 'idle', 'busy', 'offline']],
])('runners by state, with "%s", are %j', async (query, expected) => {
  const states = ['idle', 'busy', 'offline', 'gone'] as const
  const rows = { dispatches: [aDispatch()], runners: states.map((state) => aRunner({ state })) }
  const { get } = anAdminWorld({ rows })
  const { items } = (await get(`/api/v1/runners?${query}`)).body as { items: { state: string }[] }
  expect(items.map(({ state }) => state)).toEqual(expected)
})

test('a job that is held back is retried, and the answer says what was done', async () => {
  const covered = { ...aJob({ id: '2' }), verdict: aVerdict({ kind: 'covered' }) }
  const jobs = [aJob({ id: '1', dispatches: 3 }), covered, aJob({ id: '3', state: 'running' })]
  const { app, backoffs } = anAdminWorld({ rows: { jobs } })
  const retry = async (id: string) => {
    const answer = await app.request(`/api/v1/jobs/main/${id}/retry`, { method: 'POST' })
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  backoffs.push({ key: 'idled/main/job/1/1', instance: 'main', failures: 2, until: at('12:02:00') })
  expect(await retry('1')).toMatchObject({
    status: 200,
    effects: ['backoff_cleared', 'allowance_renewed'],
    message: 'its back-offs are cleared; its runners are counted from none again',
    job: { id: '1', dispatches: 0 },
  })
  expect(await retry('2')).toMatchObject({ status: 409, detail: expect.stringContaining('it is covered') })
  expect(await retry('3')).toMatchObject({ status: 409, detail: 'it runs' })
  expect(await retry('4')).toMatchObject({ status: 404, detail: expect.stringContaining('no job 4 of main is known') })
})

test('moments that no calendar has are told as unknown', async () => {
  const jobs = [
    aJob({ id: '1', state: 'finished', finishedAt: Number.NaN, startedAt: 9e15, queuedAt: Number.NEGATIVE_INFINITY }),
  ]
  const { get } = anAdminWorld({ rows: { jobs } })
  expect((await get('/api/v1/jobs/main/1')).body).toMatchObject({
    queued_at: null,
    started_at: null,
    finished_at: null,
  })
})

test('no secret of the configuration is in any answer', async () => {
  const { app } = anAdminWorld()
  for (const path of [
    '',
    'api/v1/instances',
    'api/v1/instances/main',
    'api/v1/targets',
    'api/v1/dispatchers',
    'metrics',
  ]) {
    expect(await (await app.request(`/${path}`)).text()).not.toContain('canary')
  }
})
