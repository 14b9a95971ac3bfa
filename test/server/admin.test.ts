import { expect, test } from 'vitest'
import { StoreUnavailable } from '../../src/store/store.ts'
import { anAdminWorld } from './admin-world.ts'

test('it is ready while the state can be written', async () => {
  const { app, state } = anAdminWorld({ tokens: { admin: 'a-token' } })
  expect((await app.request('/readyz')).status).toBe(200)
  state.broken = new StoreUnavailable('disk full at /var/lib/muster')
  const answer = await app.request('/readyz')
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(await answer.text()).not.toContain('/var/lib')
})

test('it is not ready once the service stops', async () => {
  const { app, stopping } = anAdminWorld()
  stopping.abort()
  expect((await app.request('/readyz')).status).toBe(503)
})

test('metrics come in the format of Prometheus', async () => {
  const { app, metrics } = anAdminWorld()
  metrics.deliveries.inc({ instance: 'main', result: 'accepted' })
  const answer = await app.request('/metrics')
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await answer.text()).toContain('muster_deliveries_total{instance="main",result="accepted"} 1')
})

test.each(['/', '/api/v1/jobs', '/nothing', '/metrics', '/api/v1/jobs?limit=0'])(
  '%s may be neither framed, sniffed, scripted nor kept',
  async (path) => {
    const { app } = anAdminWorld()
    const { headers } = await app.request(path)
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-powered-by')).toBeNull()
    expect(headers.get('access-control-allow-origin')).toBeNull()
  },
)

test('an unknown path is told as problem details', async () => {
  const { get } = anAdminWorld()
  expect(await get('/api/v1/nothing')).toEqual({
    status: 404,
    type: 'application/problem+json',
    body: { type: 'about:blank', title: 'Not Found', status: 404, detail: expect.any(String) },
  })
})

test('a failure tells an id that the log has too, and nothing of what failed', async () => {
  const { get, state, lines } = anAdminWorld()
  state.broken = new TypeError('canary at /home/someone/store.ts')
  const { status, body } = await get('/api/v1/jobs')
  expect([status, body.id]).toEqual([500, 'id-1'])
  expect(JSON.stringify(body)).not.toContain('canary')
  expect(lines()).toEqual([expect.objectContaining({ id: 'id-1', level: 50 })])
})

test('while the state is out of reach the API says so, and when to come again', async () => {
  const { app, state } = anAdminWorld()
  state.broken = new StoreUnavailable('locked')
  const answer = await app.request('/api/v1/jobs')
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

test.each([
  ['localhost:8091', 200],
  ['LOCALHOST', 200],
  ['127.0.0.1:1', 200],
  ['[::1]:8091', 200],
  ['muster.lan', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example:8091', 403],
  ['user@localhost:x', 403],
  ['', 403],
])('without tokens a request for the host "%s" gets %i', async (host, status) => {
  const { app } = anAdminWorld({ host: 'muster.lan' })
  expect((await app.request('/api/v1/jobs', { headers: { host } })).status).toBe(status)
})

test('an address in brackets is known by its configured form', async () => {
  const { app } = anAdminWorld({ host: 'fd00::1' })
  expect((await app.request('/api/v1/jobs', { headers: { host: '[fd00::1]:8091' } })).status).toBe(200)
})

test('with tokens any host will do: the token is what counts', async () => {
  const { app } = anAdminWorld({ tokens: { read: 'a-token' } })
  const headers = { host: 'muster.example', authorization: 'Bearer a-token' }
  expect((await app.request('/api/v1/jobs', { headers })).status).toBe(200)
})

test.each([
  ['nothing said of where it comes from', {}, 200],
  ['a JSON body', { 'content-type': 'application/json; charset=utf-8' }, 200],
  ['our own page', { origin: 'http://localhost:8091' }, 200],
  ['our own page behind a proxy that speaks TLS', { origin: 'https://localhost:8091' }, 200],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a form that calls itself text', { 'content-type': 'text/plain' }, 415],
  ['something like JSON', { 'content-type': 'application/json-seq' }, 415],
  ['another site', { origin: 'https://evil.example' }, 403],
  ['another port of this host', { origin: 'http://localhost:3000' }, 403],
  ['a page without an origin', { origin: 'null' }, 403],
])('a change asked for with %s is let through or refused as it should be', async (_, headers, status) => {
  const { app, store } = anAdminWorld()
  const answer = await app.request('/api/v1/instances/main/pause', {
    method: 'POST',
    headers: { host: 'localhost:8091', ...headers },
  })
  expect(answer.status).toBe(status)
  expect((await store.paused('main')) !== null).toBe(status === 200)
})
