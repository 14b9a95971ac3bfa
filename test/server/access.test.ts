import { expect, test } from 'vitest'
import { aDispatch, aJob, aRequest } from '../support/builders.ts'
import { anAdminWorld, anInstance, aWorker } from './admin-world.ts'

const tokens = { read: 'token-of-a-reader', operate: 'token-of-an-operator', admin: 'token-of-an-admin' }

function aGuardedWorld() {
  return anAdminWorld({
    tokens,
    instances: [anInstance({ name: 'x' })],
    workers: new Map([['x', aWorker().worker]]),
    rows: {
      jobs: [aJob({ instance: 'x', id: 'x' })],
      dispatches: [aDispatch({ id: 'x' })],
      requests: [aRequest({ id: 'x' })],
    },
    api: { defaultLabels: ['linux'] },
  })
}

/** What each route asks for, said once more and apart from the code. A new route has to be thought about here. */
const expected: Record<string, readonly (keyof typeof tokens)[] | 'everyone'> = {
  'GET /readyz': 'everyone',
  'GET /metrics': ['read', 'operate', 'admin'],
  'GET /': ['read', 'operate', 'admin'],
  'GET /api/v1/openapi.json': ['read', 'operate', 'admin'],
  'GET /api/v1/instances': ['read', 'operate', 'admin'],
  'GET /api/v1/instances/:name': ['read', 'operate', 'admin'],
  'GET /api/v1/targets': ['read', 'operate', 'admin'],
  'GET /api/v1/dispatchers': ['read', 'operate', 'admin'],
  'GET /api/v1/jobs': ['read', 'operate', 'admin'],
  'GET /api/v1/jobs/:instance/:id': ['read', 'operate', 'admin'],
  'GET /api/v1/runners': ['read', 'operate', 'admin'],
  'GET /api/v1/dispatches': ['read', 'operate', 'admin'],
  'GET /api/v1/requests': ['read', 'operate', 'admin'],
  'GET /api/v1/events': ['read', 'operate', 'admin'],
  'POST /api/v1/instances/:name/pause': ['operate', 'admin'],
  'POST /api/v1/instances/:name/resume': ['operate', 'admin'],
  'POST /api/v1/instances/:name/look': ['operate', 'admin'],
  'POST /api/v1/dispatches/:id/release': ['operate', 'admin'],
  'POST /api/v1/requests/:id/cancel': ['operate', 'admin'],
  'POST /api/v1/dispatch': ['operate', 'admin'],
  'POST /instances/:name/api/v1/dispatch': ['operate', 'admin'],
}

const routes = [
  ...new Set(
    aGuardedWorld()
      .app.routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
]

test('every route has been thought about', () => {
  expect(routes.sort()).toEqual(Object.keys(expected).sort())
})

test.each(routes)('%s answers those who may call it, and nobody else', async (route) => {
  const [method, path] = route.split(' ')
  const call = async (authorization?: string) => {
    // Each in a world of its own: what can be done once only is done by each.
    const { app } = aGuardedWorld()
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    const body = path?.endsWith('/dispatch') ? '{}' : null
    if (body !== null) headers['content-type'] = 'application/json'
    return (await app.request(path?.replaceAll(/:\w+/g, 'x') ?? '', { method, headers, body })).status
  }
  const may = expected[route]
  const good = expect.toBeOneOf([200, 202])
  expect(await call()).toEqual(may === 'everyone' ? good : 401)
  expect(await call('Bearer wrong')).toEqual(may === 'everyone' ? good : 401)
  for (const role of ['read', 'operate', 'admin'] as const) {
    const allowed = may === 'everyone' || may?.includes(role)
    expect([role, await call(`Bearer ${tokens[role]}`)]).toEqual([role, allowed ? good : 403])
  }
})

test('a route that nobody thought about is closed to everyone, with and without tokens', async () => {
  for (const world of [aGuardedWorld(), anAdminWorld()]) {
    world.app.get('/planted', (c) => c.text('open'))
    const headers = { authorization: `Bearer ${tokens.admin}` }
    expect((await world.app.request('/planted', { headers })).status).toBe(403)
  }
})

test('what is not there is told only to those who may read', async () => {
  const { app } = aGuardedWorld()
  expect((await app.request('/api/v1/nothing')).status).toBe(401)
  const headers = { authorization: `Bearer ${tokens.read}` }
  expect((await app.request('/api/v1/nothing', { headers })).status).toBe(404)
})

test.each([
  '',
  'Bearer',
  'Bearer ',
  'Basic dG9rZW4=',
  `Bearer ${tokens.read} x`,
  `Bearer ${tokens.read.slice(0, -1)}`,
  `Bearer ${tokens.read}x`,
  tokens.read,
])('the authorization "%s" is none', async (authorization) => {
  const { app } = aGuardedWorld()
  const answer = await app.request('/api/v1/jobs', { headers: { authorization } })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="muster"/)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
})

test('an empty configured token lets nobody in', async () => {
  const { app } = anAdminWorld({ tokens: { admin: '' } })
  for (const authorization of ['Bearer ', 'Bearer', '']) {
    expect((await app.request('/api/v1/jobs', { headers: { authorization } })).status).toBe(401)
  }
})

test('who keeps guessing is told to wait, and a right token still works', async () => {
  const { app } = aGuardedWorld()
  const guess = (token: string) => app.request('/api/v1/jobs', { headers: { authorization: `Bearer ${token}` } })
  for (let tried = 1; tried <= 10; tried++) expect((await guess(`wrong-${tried}`)).status).toBe(401)
  const limited = await guess('wrong-11')
  expect(limited.status).toBe(429)
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await guess(tokens.read)).status).toBe(200)
})

test.each([
  [tokens, { authorization: `Bearer ${tokens.operate}` }, 'operate'],
  [{}, {}, 'local'],
])('what is done by hand tells by whom: with the tokens %j by the name of the token', async (given, headers, by) => {
  const { app, shelf } = anAdminWorld({ tokens: given })
  for (const path of ['instances/main/pause', 'instances/main/look', 'instances/main/resume'])
    await app.request(`/api/v1/${path}`, { method: 'POST', headers })
  expect(shelf.events.map(({ type, instance, detail }) => ({ type, instance, ...detail }))).toEqual([
    { type: 'paused', instance: 'main', by },
    { type: 'look_asked', instance: 'main', by },
    { type: 'resumed', instance: 'main', by },
  ])
})
