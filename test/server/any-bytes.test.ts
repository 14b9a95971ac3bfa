import { connect } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { serve } from '../../src/server/listen.ts'
import { aJob } from '../support/builders.ts'
import { anAdminWorld, aWorker } from './admin-world.ts'
import { aPublicWorld } from './intake-world.ts'

const sane = (status: number) => (status >= 200 && status < 300) || (status >= 400 && status < 500) || status === 503

const publicPaths = ['/webhook/main', '/webhook/nobody', '/webhook/', '/healthz', '/']
const adminPaths = [
  '/',
  '/readyz',
  '/metrics',
  ...['openapi.json', 'instances', 'instances/main', 'targets', 'dispatchers', 'jobs', 'jobs/main/1', 'runners'].map(
    (path) => `/api/v1/${path}`,
  ),
  ...['dispatches', 'events', 'instances/main/pause', 'instances/main/look'].map((path) => `/api/v1/${path}`),
]

const methods = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND')
const names = fc.constantFrom(
  'x-signature',
  'content-type',
  'authorization',
  'origin',
  'host',
  'content-length',
  'accept',
  'cursor',
)
const printable = fc.string({
  unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
})
const words = fc.oneof(fc.constantFrom('good', 'application/json', 'null', '-1', 'Bearer x', 'localhost'), printable)
const queries = fc.array(
  fc.tuple(fc.constantFrom('limit', 'cursor', 'round', 'state', 'instance', '__proto__', 'x'), fc.string()),
)
const tails = fc.oneof(
  fc.constant(''),
  fc.webPath(),
  fc.string().map((text) => `/${encodeURIComponent(text)}`),
  fc.constant('/%ff%00..%2f'),
)

function anyRequest(paths: readonly string[]) {
  return fc.record({
    path: fc.tuple(fc.constantFrom(...paths), tails).map((parts) => parts.join('')),
    query: queries.map((pairs) => new URLSearchParams(pairs).toString()),
    method: methods,
    headers: fc.dictionary(names, words),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 1_500 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    ),
  })
}

test.each([
  ['public', publicPaths, () => aPublicWorld().app],
  [
    'admin',
    adminPaths,
    () => anAdminWorld({ rows: { jobs: [aJob({ id: '1' })] }, workers: new Map([['main', aWorker().worker]]) }).app,
  ],
] as const)('whatever is asked of the %s listener, it answers soundly', async (_, paths, world) => {
  const app = world()
  const property = fc.asyncProperty(anyRequest(paths), async ({ path, query, method, headers, body }) => {
    const init = ['GET', 'HEAD'].includes(method) ? { method, headers } : { method, headers, body: Buffer.from(body) }
    const { status } = await app.request(`${path}?${query}`, init)
    expect(status).toSatisfy(sane)
  })
  await fc.assert(property, { numRuns: 400 })
})

test('whatever is a signed delivery, it is answered soundly', async () => {
  const { deliver } = aPublicWorld({ maxBody: 100_000 })
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (text) => {
      expect([202, 400]).toContain((await deliver(text)).status)
    }),
    { numRuns: 200 },
  )
})

test('whatever bytes come over a socket, the answer is sound or none, and the listener lives', async () => {
  const listener = await serve(aPublicWorld().app, { host: '127.0.0.1', port: 0, clock: systemClock })
  const lines = fc.constantFrom(
    'POST /webhook/main HTTP/1.1',
    'GET /healthz HTTP/1.1',
    'Host: localhost',
    'Host: [',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    'Expect: 100-continue',
    'Upgrade: websocket',
    'Connection: upgrade',
    'GET http://[/ HTTP/1.1',
    'CONNECT a:1 HTTP/1.1',
    'GET * HTTP/1.1',
    '',
    '3',
  )
  const requests = fc.array(lines, { maxLength: 8 }).map((parts) => Buffer.from(`${parts.join('\r\n')}\r\n\r\n`))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
    requests,
  )
  const property = fc.asyncProperty(bytes, async (said) => {
    const heard = await new Promise<string>((resolve) => {
      const socket = connect({ port: listener.port, host: '127.0.0.1' }, () => socket.end(said))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk
      })
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    })
    for (const [, status] of heard.matchAll(/^HTTP\/1\.1 (\d+)/gm))
      expect(Number(status)).toSatisfy((code: number) => code === 100 || sane(code))
  })
  await fc.assert(property, { numRuns: 150 })
  expect((await fetch(`http://127.0.0.1:${listener.port}/healthz`)).status).toBe(200)
  await listener.close()
})
