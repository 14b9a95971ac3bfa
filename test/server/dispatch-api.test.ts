import { expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/store/store.ts'
import { aDispatch, aTarget, at } from '../support/builders.ts'
import { githubRules } from '../support/snapshot.ts'
import { anAdminWorld, anInstance, callerToken } from './admin-world.ts'

type World = Parameters<typeof anAdminWorld>[0]

const bearer = `Bearer ${callerToken}`
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

/** One instance, `main`, that serves the repository acme/widgets. */
function anOffer(over: World = {}) {
  const world = anAdminWorld(over)
  async function ask(body: unknown, headers: Record<string, string> = {}, path = '/api/v1/dispatch') {
    const answer = await world.app.request(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: bearer, 'content-type': 'application/json', ...headers },
    })
    return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> }
  }
  return { ...world, ask }
}

test('runners are recorded as they were asked for, and answered in that order', async () => {
  const { ask, shelf } = anOffer()
  const env = { A: 'a' }
  const body = { count: 2, labels: ['linux:host'], ttl: '1h30m', machine_type: '4x8', image: 'debian', env, extra: 1 }
  const { status, json, headers } = await ask(body)
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(json).toEqual({ runners: [{ name: 'muster-id-1' }, { name: 'muster-id-2' }] })
  expect(shelf.requests).toMatchObject([{ id: 'id-1' }, { id: 'id-2' }])
  expect(shelf.requests[0]).toEqual({
    id: 'id-1',
    instance: 'main',
    labels: ['linux:host'],
    ttl: 5_400_000,
    machineType: '4x8',
    image: 'debian',
    env,
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    askedAt: at('12:00:00'),
  })
})

test('what is left out, null or as Go writes what nobody set, is one runner with what is configured', async () => {
  const scope = { level: 'repository', owner: 'acme', name: 'other' } as const
  const instances = [anInstance({ scope: { level: 'organization', owner: 'acme', name: null } })]
  const { ask, shelf } = anOffer({ instances, api: { defaultLabels: ['linux'], defaultScope: scope } })
  const empty = { count: 0, labels: [], ttl: '', machine_type: '', image: '', env: {} }
  const nothing = { count: null, labels: null, ttl: null, machine_type: null, image: null, env: null, scope: null }
  for (const body of [{}, empty, nothing]) expect((await ask(body)).json.runners).toHaveLength(1)
  for (const request of shelf.requests)
    expect(request).toMatchObject({ labels: ['linux'], ttl: null, machineType: null, image: null, env: {}, scope })
})

test.each`
  written    | ms
  ${'20m0s'} | ${1_200_000}
  ${'1h30m'} | ${5_400_000}
  ${'90s'}   | ${90_000}
  ${'1.5s'}  | ${1_500}
  ${'500ms'} | ${500}
`('the ttl $written is $ms ms', async ({ written, ms }) => {
  const { ask, shelf } = anOffer()
  await ask({ labels: ['linux'], ttl: written })
  expect(shelf.requests[0]?.ttl).toBe(ms)
})

test.each([
  ['no JSON', '{"labels":', /not JSON/],
  ['nothing', '', /not JSON/],
  ['a list', [], /expected object/],
  ['a count that is none', { count: 'two' }, /^count: expected a whole number from 1 to 100/],
  ['a count below 0', { count: -1 }, /^count: /],
  ['half a runner', { count: 0.5 }, /^count: /],
  ['too many', { count: 101 }, /^count: expected a whole number from 1 to 100/],
  ['a ttl without a unit', { ttl: '20' }, /^ttl: expected a duration.*needs a unit/],
  ['a ttl that is a number', { ttl: 20 }, /^ttl: expected a duration/],
  ['a ttl of 0', { ttl: '0s' }, /^ttl: .*above 0/],
  ['a ttl below 0', { ttl: '-5m' }, /^ttl: /],
  ['labels that are none', { labels: 'linux' }, /^labels: expected a list/],
  ['an empty label', { labels: [' '] }, /^labels.0: expected a label/],
  ['a label that is none', { labels: [7] }, /^labels.0: /],
  ['no labels at all', {}, /^labels: expected at least one/],
  ['an env that is none', { env: ['canary-env'] }, /^env: /],
  ['a value of env that is none', { env: { A: 1 } }, /^env.A: expected a text, found a number/],
  ['an image on two lines', { image: 'a\nb' }, /^image: /],
  ['an unknown level', { scope: { level: 'Repository' } }, /^scope.level: expected repository/],
  ['a scope without its owner', { scope: { level: 'organization' } }, /^scope: expected the owner/],
  ['a scope without its name', { scope: { level: 'repository', owner: 'acme' } }, /^scope: expected the name/],
])('%s is refused with 400 and an error', async (_, body, error) => {
  const { ask, shelf } = anOffer()
  const { status, json, headers } = await ask(body)
  expect({ status, json }).toEqual({ status: 400, json: { error: expect.stringMatching(error) } })
  expect(headers.get('content-type')).toBe('application/json')
  expect(JSON.stringify(json)).not.toContain('canary')
  expect(shelf.requests).toEqual([])
})

test.each`
  allowed                 | labels              | status
  ${[]}                   | ${['anything']}     | ${200}
  ${['linux', 'gpu']}     | ${['linux']}        | ${200}
  ${['linux:docker://a']} | ${[' linux :host']} | ${200}
  ${['linux']}            | ${['linux', 'gpu']} | ${403}
  ${['linux']}            | ${['Linux']}        | ${403}
`('of the labels $allowed may $labels be asked for: $status', async ({ allowed, labels, status }) => {
  const { ask } = anOffer({ api: { allowLabels: allowed } })
  expect((await ask({ labels })).status).toBe(status)
})

test('labels of GitHub are compared without case', async () => {
  const places = new Map([['main', { dispatcher: 'default', labels: githubRules }]])
  const { ask } = anOffer({ api: { allowLabels: ['linux'], places } })
  expect((await ask({ labels: ['Linux'] })).status).toBe(200)
})

const repository = { level: 'repository', owner: 'acme', name: 'widgets' } as const
const organization = { level: 'organization', owner: 'acme', name: null } as const
const everything = { level: 'instance', owner: null, name: null } as const

test.each`
  own             | allowed                        | asked                                                       | status
  ${repository}   | ${[]}                          | ${repository}                                               | ${200}
  ${repository}   | ${[]}                          | ${{ level: 'repository', owner: 'ACME', name: 'Widgets' }}  | ${200}
  ${repository}   | ${[]}                          | ${{ level: 'repository', owner: 'acme', name: 'other' }}    | ${403}
  ${repository}   | ${[]}                          | ${{ level: 'organization', owner: 'acme' }}                 | ${403}
  ${repository}   | ${[]}                          | ${{ level: 'instance' }}                                    | ${403}
  ${organization} | ${[]}                          | ${repository}                                               | ${200}
  ${organization} | ${[]}                          | ${{ level: 'repository', owner: 'other', name: 'widgets' }} | ${403}
  ${organization} | ${[]}                          | ${{ level: 'user', owner: 'acme' }}                         | ${403}
  ${everything}   | ${[]}                          | ${{ level: 'user', owner: 'ada', name: null }}              | ${200}
  ${organization} | ${['organization:acme']}       | ${repository}                                               | ${403}
  ${organization} | ${['repository:acme/widgets']} | ${repository}                                               | ${200}
  ${organization} | ${['repository:acme/widgets']} | ${null}                                                     | ${200}
`('at $own.level, with $allowed allowed, the scope $asked is $status', async ({ own, allowed, asked, status }) => {
  const { ask } = anOffer({ instances: [anInstance({ scope: own })], api: { allowScopes: allowed } })
  const { json, ...answer } = await ask({ labels: ['linux'], scope: asked })
  expect(answer.status).toBe(status)
  if (status === 403) expect(json).toEqual({ error: expect.stringMatching(/^scope: /) })
})

test('a default scope that does not lie in the instance gives way to the scope of that instance', async () => {
  const { ask, shelf } = anOffer({ api: { defaultScope: organization } })
  await ask({ labels: ['linux'] })
  expect(shelf.requests[0]?.scope).toEqual(repository)
})

test.each([
  [bearer, 200],
  [basic(`x:${callerToken}`), 200],
  [basic(`:${callerToken}`), 200],
  ['Bearer token-of-operate', 200],
  [basic('x:token-of-admin'), 200],
  ['Bearer token-of-read', 403],
  ['Bearer wrong', 401],
  [basic('x:wrong'), 401],
  [basic(callerToken), 401],
  [basic('x:'), 401],
  ['', 401],
])('the authorization %s is answered %i', async (authorization, status) => {
  const tokens = { read: 'token-of-read', operate: 'token-of-operate', admin: 'token-of-admin' }
  const { ask } = anOffer({ tokens })
  const { json, headers, ...answer } = await ask({ labels: ['linux'] }, { authorization })
  expect(answer.status).toBe(status)
  if (status !== 200) expect(json).toEqual({ error: expect.any(String) })
  if (status === 401) expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
})

test('where the listener asks for no token, the dispatcher API does, and its token opens nothing else', async () => {
  const { ask } = anOffer()
  expect((await ask({ labels: ['linux'] }, { authorization: '' })).status).toBe(401)
  const { app } = anOffer({ tokens: { admin: 'token-of-an-admin' } })
  for (const authorization of [bearer, basic(`x:${callerToken}`)])
    expect((await app.request('/api/v1/jobs', { headers: { authorization } })).status).toBe(401)
})

test('who only looks whether somebody is there is told how it is asked', async () => {
  const { app } = anOffer({ tokens: { admin: 'token-of-an-admin' } })
  const look = (authorization: string) => app.request('/api/v1/dispatch', { headers: { authorization } })
  const answer = await look(basic(`x:${callerToken}`))
  expect([answer.status, answer.headers.get('allow'), await answer.json()]).toEqual([
    405,
    'POST',
    { error: expect.any(String) },
  ])
  expect((await look(basic('x:wrong'))).status).toBe(401)
})

test('each instance has a path of its own, and the short one is for the one that is configured', async () => {
  const instances = [anInstance(), anInstance({ name: 'two words' })]
  const { ask, shelf } = anOffer({ instances, api: { instance: 'two words' } })
  expect((await ask({ labels: ['linux'] }, {}, '/instances/main/api/v1/dispatch')).status).toBe(200)
  expect((await ask({ labels: ['linux'] }, {}, '/instances/two%20words/api/v1/dispatch')).status).toBe(200)
  expect((await ask({ labels: ['linux'] })).status).toBe(200)
  expect(shelf.requests.map(({ instance }) => instance)).toEqual(['main', 'two words', 'two words'])
  const unknown = await ask({ labels: ['linux'] }, {}, '/instances/nobody/api/v1/dispatch')
  expect(unknown).toMatchObject({ status: 404, json: { error: expect.stringMatching(/no instance/) } })
})

test('it is not there until it is offered', async () => {
  const { ask } = anOffer({ api: null })
  const answer = await ask({ labels: ['linux'] })
  expect(answer).toMatchObject({ status: 404, json: { error: expect.stringMatching(/dispatcher_api.enabled/) } })
})

test('a repeated key gets the first answer, and one that stands for something else is refused', async () => {
  const { ask, shelf } = anOffer({ instances: [anInstance(), anInstance({ name: 'other' })] })
  const keyed = { 'idempotency-key': 'k-1' }
  const first = await ask({ labels: ['linux'], env: { A: 'a' } }, keyed)
  expect((await ask({ env: { A: 'a' }, labels: ['linux'] }, keyed)).json).toEqual(first.json)
  expect(shelf.requests).toHaveLength(1)
  const another = await ask({ labels: ['linux'], env: { A: 'b' } }, keyed)
  expect(another).toMatchObject({ status: 422, json: { error: expect.stringMatching(/another request/) } })
  const elsewhere = await ask({ labels: ['linux'], env: { A: 'b' } }, keyed, '/instances/other/api/v1/dispatch')
  expect(elsewhere.status).toBe(200)
})

test.each(['', 'é', 'k'.repeat(256)])('the key "%s" is refused', async (key) => {
  const { ask } = anOffer()
  expect((await ask({ labels: ['linux'] }, { 'idempotency-key': key })).status).toBe(400)
})

test('what was refused may be asked again under the same key', async () => {
  const { ask, state } = anOffer()
  const keyed = { 'idempotency-key': 'k-1' }
  expect((await ask({ labels: [] }, keyed)).status).toBe(400)
  state.broken = new StoreUnavailable('the disk is full')
  const broken = await ask({ labels: ['linux'] }, keyed)
  expect(broken).toMatchObject({ status: 503, json: { error: expect.any(String) } })
  expect(broken.headers.get('retry-after')).toBe('10')
  state.broken = null
  expect((await ask({ labels: ['linux'] }, keyed)).status).toBe(200)
})

test('when too many wait, callers are told to come again', async () => {
  const { ask, state } = anOffer()
  state.full = true
  const answer = await ask({ labels: ['linux'] })
  expect(answer).toMatchObject({ status: 429, json: { error: expect.any(String) } })
  expect(answer.headers.get('retry-after')).toBe('30')
})

test.each([{ dryRun: true }, { instances: [anInstance({ dryRun: true })] }])(
  'a dry run starts nothing, and says so: %o',
  async (over) => {
    const { ask, shelf } = anOffer(over)
    expect(await ask({ labels: ['linux'] })).toMatchObject({
      status: 503,
      json: { error: expect.stringMatching(/dry_run/) },
    })
    expect(shelf.requests).toEqual([])
  },
)

test('a body that is too large, or of another type, or from another site, is refused', async () => {
  const { ask } = anOffer()
  const large = await ask({ labels: ['linux'], env: { A: 'a'.repeat(1024 * 1024) } })
  expect(large).toMatchObject({ status: 413, json: { error: expect.any(String) } })
  const form = await ask('labels=linux', { 'content-type': 'application/x-www-form-urlencoded' })
  expect(form).toMatchObject({ status: 415, json: { error: expect.any(String) } })
  const page = await ask({ labels: ['linux'] }, { origin: 'https://elsewhere.example' })
  expect(page).toMatchObject({ status: 403, json: { error: expect.any(String) } })
  const rebound = await ask({ labels: ['linux'] }, { host: 'elsewhere.example' })
  expect(rebound).toMatchObject({ status: 403, json: { error: expect.any(String) } })
})

test('names that the dispatcher will not give are told to be provisional', async () => {
  const lanes = new Map([
    ['default', { blocking: false, traits: { names: true } }],
    ['cloud', { blocking: false, traits: { names: false } }],
  ])
  const targets = [aTarget(), aTarget({ name: 'gpu', labels: ['gpu'], dispatcher: 'cloud' })]
  const { ask } = anOffer({ lanes, instances: [anInstance({ targets })] })
  const header = async (label: string) => (await ask({ labels: [label] })).headers.get('x-muster-names')
  expect(await header('linux')).toBeNull()
  expect(await header('unknown')).toBeNull()
  expect(await header('gpu:host')).toBe('provisional')
})

test('what waits is listed, without what its env holds', async () => {
  const { ask, get } = anOffer()
  await ask({ labels: ['linux'], ttl: '90s', env: { SECRET: 'canary-env' } })
  const { body } = await get('/api/v1/requests?instance=main')
  expect(body).toEqual({
    items: [
      {
        id: 'id-1',
        instance: 'main',
        labels: ['linux'],
        ttl_seconds: 90,
        machine_type: null,
        image: null,
        scope: repository,
        asked_at: '2026-03-02T12:00:00.000Z',
      },
    ],
    next: null,
  })
  expect((await get('/api/v1/requests?instance=other')).body).toMatchObject({ items: [] })
})

test('an operator cancels what waits', async () => {
  const { ask, app, shelf } = anOffer()
  await ask({ labels: ['linux'], count: 2 })
  const cancel = (id: string) => app.request(`/api/v1/requests/${id}/cancel`, { method: 'POST' })
  const answer = await cancel('id-1')
  expect([answer.status, await answer.json()]).toMatchObject([200, { id: 'id-1' }])
  expect(shelf.requests).toMatchObject([{ id: 'id-2' }])
  expect((await cancel('id-1')).status).toBe(404)
})

test('an operator frees the slot of a dispatch once', async () => {
  const dispatches = [
    aDispatch({ id: 'd1' }),
    aDispatch({ id: 'd2', goneAt: at('11:00:00'), goneReason: 'never_seen' }),
  ]
  const { app } = anAdminWorld({ rows: { dispatches } })
  const release = async (id: string) => {
    const answer = await app.request(`/api/v1/dispatches/${id}/release`, { method: 'POST' })
    return { status: answer.status, body: await answer.json() }
  }
  expect(await release('d1')).toMatchObject({
    status: 200,
    body: { id: 'd1', gone_reason: 'released', gone_at: '2026-03-02T12:00:00.000Z' },
  })
  expect(await release('d2')).toMatchObject({ status: 409, body: { detail: expect.stringMatching(/never_seen/) } })
  expect(await release('d3')).toMatchObject({ status: 404 })
})
