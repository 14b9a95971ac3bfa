import { expect, test } from 'vitest'
import { access } from '../../src/server/access.ts'
import { aDispatch, aJob, aRequest } from '../support/builders.ts'
import { anAdminWorld, anInstance, aWorker, callerToken } from './admin-world.ts'

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

const roles = ['read', 'operate', 'admin'] as const

/** Every route that the listener has, as it is registered. */
const routes = [
  ...new Set(
    aGuardedWorld()
      .app.routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
].sort()

test('every route has been thought about, and nothing else has', () => {
  expect(routes).toEqual([...access.keys()].sort())
})

// What a role may do, said once more and apart from the table: a reader changes nothing, and only the probe asks for no token.
test('a reader may see everything and change nothing, and only the probe and the way in are open', () => {
  const ofReaders = routes.filter((route) => access.get(route) === 'read')
  const open = routes.filter((route) => access.get(route) === 'open')
  expect([...ofReaders, ...open].filter((route) => route.startsWith('GET ')).sort()).toEqual(
    routes.filter((route) => route.startsWith('GET ')),
  )
  expect(ofReaders.filter((route) => !route.startsWith('GET '))).toEqual([])
  expect(open).toEqual([
    'GET /login',
    'GET /login/done',
    'GET /readyz',
    'GET /static/:file',
    'POST /login',
    'POST /logout',
  ])
})

/** The status of a call, in a world of its own: what can be done once only is done by each. */
async function call(method: string, path: string, authorization?: string): Promise<number> {
  const { app } = aGuardedWorld()
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const body = path.endsWith('/dispatch') && method === 'POST' ? '{}' : null
  if (body !== null) headers['content-type'] = 'application/json'
  // Forms are taken from pages of our own.
  if (method === 'POST') headers.origin = 'http://localhost'
  const form = `${method} ${path}` === 'POST /login' ? new URLSearchParams({ token: tokens.read }) : null
  return (await app.request(path.replaceAll(/:\w+/g, 'x'), { method, headers, body: body ?? form })).status
}

const letIn = expect.not.toBeOneOf([401, 403])

test.each(routes)('%s answers those who may call it, and nobody else', async (route) => {
  const [method = '', path = ''] = route.split(' ')
  const needed = access.get(route) ?? 'admin'
  const least = needed === 'dispatch' ? 'operate' : needed
  for (const authorization of [undefined, 'Bearer wrong', 'Basic eDp3cm9uZw==', `Bearer ${tokens.admin} `.repeat(2)]) {
    expect([authorization, await call(method, path, authorization)]).toEqual([
      authorization,
      least === 'open' ? letIn : 401,
    ])
  }
  for (const role of roles) {
    const allowed = least === 'open' || roles.indexOf(role) >= roles.indexOf(least)
    expect([role, await call(method, path, `Bearer ${tokens[role]}`)]).toEqual([role, allowed ? letIn : 403])
  }
  // HEAD is GET without its body, and a method that is not there is no way around.
  const isGood = (status: number) => status >= 200 && status < 300
  for (const other of ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST', 'GET']) {
    if (routes.includes(`${other} ${path}`) || (other === 'HEAD' && least === 'open')) continue
    expect([other, isGood(await call(other, path))]).toEqual([other, false])
    if (other !== 'HEAD')
      expect([other, isGood(await call(other, path, `Bearer ${tokens.admin}`))]).toEqual([other, false])
  }
})

test.each(routes.filter((route) => access.get(route) !== 'dispatch'))(
  "%s is not opened by a caller's token of the dispatcher API",
  async (route) => {
    const [method = '', path = ''] = route.split(' ')
    expect(await call(method, path, `Bearer ${callerToken}`)).toEqual(access.get(route) === 'open' ? letIn : 401)
  },
)

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
