import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import type { HttpOptions } from '../../../src/dispatchers/http/options.ts'
import { Secret } from '../../../src/secret.ts'
import { aRequest, never } from '../contract.ts'
import { aService, type Behaviour, type HttpPlace, say } from './place.ts'

// The table of docs/dispatchers/http.md, row by row.

const openssl = spawnSync('openssl', ['version']).status === 0
if (!openssl)
  console.warn('SKIPPED: TLS that is not trusted is not tried, because there is no openssl to make a certificate')

let service: HttpPlace
let stranger: Server | undefined
beforeAll(async () => {
  if (openssl) stranger = await aStrangerWithTls()
})
afterAll(() => stranger?.close())
beforeEach(async () => {
  service = await aService()
})
afterEach(() => service.close())

/** A server whose certificate nobody signed. */
async function aStrangerWithTls(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-tls-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ]
  execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'pipe' })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => answer.end())
  rmSync(folder, { recursive: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

/** A port that nobody listens at any more. */
async function aFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

type Outcome = 'accepted' | 'refused' | 'unknown' | 'unanswered'

interface Fault {
  behaviour?: Behaviour
  options?: () => Partial<HttpOptions> | Promise<Partial<HttpOptions>>
  request?: Partial<LaunchRequest>
  givenUp?: 'before' | 'while it waits'
}

const answers = (status: number, body: unknown = '', headers: Record<string, string> = {}): Fault => ({
  behaviour: (_, answer) => say(answer, status, body, headers),
})

const faults: [string, Outcome, Fault][] = [
  ['200 with {"runners":[{"name":"…"}]}', 'accepted', answers(200, { runners: [{ name: 'nscloud-1' }] })],
  ['200 with {"runners":[{}]}, no name', 'accepted', answers(200, { runners: [{}] })],
  ['nobody listens', 'refused', { options: async () => ({ url: new URL(`http://127.0.0.1:${await aFreePort()}`) }) }],
  ['the host is not known', 'refused', { options: () => ({ url: new URL('http://dispatcher.invalid') }) }],
  [
    'TLS is not trusted',
    'refused',
    { options: () => (stranger ? { url: new URL(`https://127.0.0.1:${portOf(stranger)}`) } : {}) },
  ],
  ['our token cannot be read', 'refused', { options: () => ({ token: unreadable }) }],
  ['it is given up before the connection stands', 'refused', { givenUp: 'before' }],
  ['3xx', 'refused', answers(307, '', { location: 'http://elsewhere.example.org' })],
  ['4xx', 'refused', answers(404, '<html>')],
  ['429 with Retry-After', 'refused', answers(429, '', { 'retry-after': '60' })],
  ['5xx with {"error":"…"}', 'refused', answers(500, { error: 'no capacity' })],
  ["any other 5xx, such as a proxy's", 'unknown', answers(502, '<html>Bad gateway</html>')],
  ['2xx of another shape, such as a login page', 'unknown', answers(200, '<html>Sign in</html>')],
  ['2xx without a runner', 'unknown', answers(200, { runners: [] })],
  ['an answer above 1 MiB', 'unknown', answers(200, ' '.repeat(2 ** 20 + 1))],
  ['a packed answer', 'unknown', answers(200, 'x', { 'content-encoding': 'gzip' })],
  [
    'the connection breaks after the request',
    'unknown',
    { behaviour: (_, __, request) => request.socket.resetAndDestroy() },
  ],
  [
    'the connection breaks within the answer',
    'unknown',
    {
      behaviour(_, answer) {
        answer.writeHead(200, { 'content-length': '1000' })
        answer.write('{"runners"', () => answer.destroy())
      },
    },
  ],
  ['it is given up while the answer is waited for', 'unknown', { givenUp: 'while it waits' }],
  ['nothing within the ttl', 'unanswered', { behaviour: () => undefined, request: { ttl: 200 } }],
]

const unreadable = new Secret(() => {
  throw new Error('ENOENT: /run/token')
})

const names: Record<string, Outcome> = {
  DispatchRefused: 'refused',
  DispatchUnknown: 'unknown',
  DispatchUnanswered: 'unanswered',
}

test.each(faults)('%s: %s', async (fault, expected, { behaviour, options, request, givenUp }) => {
  if (fault === 'TLS is not trusted' && !openssl) return
  const giveUp = new AbortController()
  if (behaviour) service.behave(behaviour)
  if (givenUp === 'before') giveUp.abort()
  if (givenUp === 'while it waits') service.behave(() => giveUp.abort())
  const dispatcher = service.dispatcher('muster', await options?.())
  const outcome = await dispatcher.launch(aRequest(request), givenUp ? giveUp.signal : never).then(
    (): Outcome => 'accepted',
    (error: Error) => names[error.name] ?? error.name,
  )
  await dispatcher.close?.()
  expect(outcome).toBe(expected)
})

test('the table of the documentation has these rows', () => {
  const page = readFileSync(new URL('../../../docs/dispatchers/http.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| (.+?) \| \*\*(accepted|refused|unknown|unanswered)\*\*/gm)
  expect([...rows].map(([, fault, outcome]) => [fault, outcome])).toEqual(
    faults.map(([fault, outcome]) => [fault, outcome]),
  )
})
