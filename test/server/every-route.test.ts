import { expect, onTestFinished, test } from 'vitest'
import { formPaths } from '../../src/server/dashboard/dashboard.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { aDispatch, aJob, aRequest, at } from '../support/builders.ts'
import { save } from '../support/store.ts'
import { anAdminWorld, anInstance, aWorker, callerToken } from './admin-world.ts'

// Whatever routes there are: none is listed here, so that a new one is held to the same.
const routes = [
  ...new Set(
    aWorld()
      .app.routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  ),
].sort()
const changing = routes.filter((route) => !route.startsWith('GET '))
/** What a browser sends from a page of ours, and only from there. */
const isForm = (route: string) => route.startsWith('POST ') && formPaths.has(route.slice('POST '.length))

function aWorld(over: Parameters<typeof anAdminWorld>[0] = {}) {
  return anAdminWorld({
    instances: [anInstance({ name: 'x' })],
    workers: new Map([['x', aWorker().worker]]),
    rows: {
      // One that can be retried.
      jobs: [aJob({ instance: 'x', id: 'x', dispatches: 3 })],
      dispatches: [aDispatch({ id: 'x' })],
      requests: [aRequest({ id: 'x' })],
    },
    api: { defaultLabels: ['linux'] },
    ...over,
  })
}

type World = ReturnType<typeof aWorld>

function call(
  { app }: Pick<World, 'app'>,
  route: string,
  headers: Record<string, string> = {},
  body: string | null = null,
) {
  const [method = '', path = ''] = route.split(' ')
  const dispatching = path.endsWith('/dispatch') && method === 'POST'
  const sent = body ?? (dispatching ? '{}' : null)
  return app.request(path.replaceAll(/:\w+/g, 'x'), {
    method,
    headers: {
      ...(sent === null ? {} : { 'content-type': 'application/json' }),
      ...(dispatching ? { authorization: `Bearer ${callerToken}` } : {}),
      ...(isForm(route) ? { origin: 'http://localhost' } : {}),
      ...headers,
    },
    body: sent,
  })
}

test.each(routes)('%s that fails tells an id, and neither why nor where', async (route) => {
  const world = aWorld()
  const cause = new Error('SQLITE_IOERR at /var/lib/muster/muster.db, token t0p-s3cr3t')
  world.state.broken = cause
  const answer = await call(world, route)
  const text = await answer.text()
  expect(text).not.toMatch(/SQLITE|muster\.db|t0p-s3cr3t|\bat .*\.ts|node_modules/)
  if (answer.status < 500) return
  expect(answer.status).toBe(500)
  // Callers of the dispatcher API read {"error"}, everyone else problem details; the log has the same id.
  const { id } = JSON.parse(text)
  if (id !== undefined)
    expect(world.lines().find((line) => line.id === id)).toMatchObject({ err: { message: cause.message } })
})

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

test.each(routes)('%s may be neither framed, sniffed, scripted by others nor read by them', async (route) => {
  for (const answer of [
    await call(aWorld(), route),
    await call(aWorld({ tokens: { admin: 'token-of-an-admin' } }), route),
  ]) {
    const { headers } = answer
    expect(headers.get('content-security-policy')).toBe(policy)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    // Without any referrer browsers would not say either which page a form is from.
    expect(headers.get('referrer-policy')).toBe('same-origin')
    for (const absent of ['x-powered-by', 'server', 'access-control-allow-origin'])
      expect(headers.get(absent)).toBeNull()
    expect(headers.get('set-cookie') ?? '').toMatch(route === 'POST /logout' ? /^__Host-muster=;/ : /^$/)
  }
})

test.each(routes.filter((route) => !route.startsWith('GET /static/')))('%s is kept in no cache', async (route) => {
  expect((await call(aWorld(), route)).headers.get('cache-control')).toBe('no-store')
})

test.each(routes)('%s is told to nobody who calls it by a name of their own', async (route) => {
  const answer = await call(aWorld(), route, { host: 'rebound.example' })
  expect(answer.status).toBe(403)
})

test.each(changing)('%s is not for a page of another site', async (route) => {
  const text = { 'content-type': 'text/plain' }
  expect((await call(aWorld(), route, text, '{}')).status).toBe(415)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const json = { 'content-type': 'application/json' }
  expect((await call(aWorld(), route, isForm(route) ? json : form, 'a=1')).status).toBe(415)
  for (const origin of ['https://evil.example', 'null', 'http://localhost.evil.example', 'http://localhost:1'])
    expect((await call(aWorld(), route, { origin })).status).toBe(403)
  const own = await call(aWorld(), route, { origin: 'http://localhost' })
  expect(own.status).toBeLessThan(304)
})

test.each(changing.filter(isForm))('%s is not for whoever does not say from which page it comes', async (route) => {
  const { app } = aWorld()
  const path = route.slice('POST '.length).replaceAll(/:\w+/g, 'x')
  expect((await app.request(path, { method: 'POST', body: new URLSearchParams({ a: '1' }) })).status).toBe(403)
})

test.each(changing.filter((route) => !/\/log(?:in|out)$/.test(route)))(
  '%s leaves who did it in the events, once',
  async (route) => {
    const store = await openSqliteStore({ path: ':memory:' })
    onTestFinished(() => store.close())
    // A request that was started is a dispatch of the same id; only what is paused can be resumed.
    const dispatches = route.includes('/requests/') ? [] : [aDispatch({ instance: 'x', id: 'x' })]
    await save(store, { jobs: [aJob({ instance: 'x', id: 'x', dispatches: 3 })], dispatches }, 'x')
    if (route.endsWith('/resume')) await store.pause('x', { at: at('12:00:00'), by: 'somebody', reason: null })
    const request = aRequest({ instance: 'x', id: 'x' })
    await store.request({ instance: 'x', at: at('12:00:00'), by: 'ci', key: null, answer: '{}', requests: [request] })
    const world = aWorld({ store, tokens: { operate: 'token-of-an-operator', admin: 'token-of-an-admin' } })
    const answer = await call(world, route, { authorization: 'Bearer token-of-an-admin' })
    expect(answer.status).toBeLessThan(304)
    const { items } = await store.events({ limit: 100 })
    // A reload is told by the application, which knows from the route who asked.
    const who = [...items.map(({ detail }) => detail.by), ...world.reloads]
    expect(who.filter((by) => by === 'admin')).toHaveLength(1)
    expect(JSON.stringify(items)).not.toContain('token-of-an-admin')
  },
)
