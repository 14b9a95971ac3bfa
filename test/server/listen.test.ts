import { connect, createServer, type Socket } from 'node:net'
import { Hono } from 'hono'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Answering, CannotListen, type Listener, serve, serverLimits } from '../../src/server/listen.ts'
import { aPublicWorld } from './intake-world.ts'

const open: Listener[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()))
})

async function listen(app: Answering, over: Partial<Parameters<typeof serve>[1]> = {}): Promise<Listener> {
  const listener = await serve(app, { host: '127.0.0.1', port: 0, clock: systemClock, drain: 2_000, ...over })
  open.push(listener)
  return listener
}

/** Short limits, so that a test need not wait for the real ones. */
const impatient = { ...serverLimits, headersTimeout: 200, requestTimeout: 300, connectionsCheckingInterval: 50 }

interface Conversation {
  socket: Socket
  /** Everything that came until the other side closed. */
  heard: Promise<string>
  /** Resolves when something that matches has come. */
  hear(pattern: RegExp): Promise<void>
}

function talk(port: number, ...said: string[]): Conversation {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let text = ''
  const waiting: (() => void)[] = []
  socket.on('data', (chunk) => {
    text += chunk
    for (const look of waiting) look()
  })
  socket.on('error', () => undefined)
  const heard = new Promise<string>((resolve) => {
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
  })
  const hear = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => pattern.test(text) && resolve()
      waiting.push(look)
      look()
    })
  for (const one of said) socket.write(one)
  return { socket, heard, hear }
}

const head = (...lines: string[]) =>
  `${['POST /webhook/main HTTP/1.1', 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`
const nudge = JSON.stringify({ kind: 'nudge', id: 'd-1', event: 'push' })

test('a delivery is taken over a real socket', async () => {
  const { app, store } = aPublicWorld()
  const { port } = await listen(app)
  const { heard } = talk(port, head('X-Signature: good', `Content-Length: ${nudge.length}`, 'Connection: close'), nudge)
  expect(await heard).toMatch(/^HTTP\/1\.1 202 [\s\S]*\{"status":"accepted"\}$/)
  expect(store.all()).toHaveLength(1)
})

test('a chunked delivery is put together', async () => {
  const { app } = aPublicWorld()
  const { port } = await listen(app)
  const chunks = [nudge.slice(0, 9), nudge.slice(9)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`)
  const { heard } = talk(
    port,
    head('X-Signature: good', 'Transfer-Encoding: chunked', 'Connection: close'),
    ...chunks,
    '0\r\n\r\n',
  )
  expect(await heard).toMatch(/^HTTP\/1\.1 202 /)
})

test('a body announced as too large is refused and the connection closed, before a byte of it is sent', async () => {
  const { app, lines } = aPublicWorld()
  const { port } = await listen(app)
  const { heard } = talk(port, head('Content-Length: 2000000000'))
  expect(await heard).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i)
  expect(lines()).toEqual([expect.objectContaining({ reason: 'too_large', length: 2_000_000_000, peer: '127.0.0.1' })])
})

test('a client that sends all of a body that is too large before it listens is not cut off', async () => {
  const { app } = aPublicWorld()
  const { port } = await listen(app)
  const failures: (string | undefined)[] = []
  const { socket, heard } = talk(port, head('Content-Length: 4000000'), 'x'.repeat(4_000_000))
  socket.on('error', ({ code }: NodeJS.ErrnoException) => failures.push(code))
  socket.pause()
  socket.end(() => socket.resume())
  expect(await heard).toMatch(/^HTTP\/1\.1 413 /)
  expect(failures).toEqual([])
})

test('an endless chunked body is refused and the connection closed', async () => {
  const { app } = aPublicWorld()
  const { port } = await listen(app)
  const { socket, heard } = talk(port, head('Transfer-Encoding: chunked'))
  const more = setInterval(() => socket.writable && socket.write(`1000\r\n${'x'.repeat(4096)}\r\n`), 5)
  socket.removeAllListeners('end')
  const text = await heard
  clearInterval(more)
  expect(text).toMatch(/^HTTP\/1\.1 413 /)
})

test('an upload that is broken off is logged once, as one structured line, and nothing is printed', async () => {
  const printed = [vi.spyOn(console, 'error'), vi.spyOn(console, 'info'), vi.spyOn(console, 'log')]
  const { app, lines, counted } = aPublicWorld()
  const { port } = await listen(app)
  const { socket } = talk(port, head('X-Signature: good', 'Content-Length: 100'), 'half of it')
  await vi.waitFor(async () => expect(socket.bytesWritten).toBeGreaterThan(0))
  setTimeout(() => socket.destroy(), 50)
  await vi.waitFor(() => expect(lines()).toHaveLength(1))
  await open[0]?.close()
  expect(lines()).toEqual([expect.objectContaining({ reason: 'aborted', length: 10, instance: 'main' })])
  expect(printed.flatMap((spy) => spy.mock.calls)).toEqual([])
  expect(await counted()).toEqual({})
})

test.each([
  ['headers that do not come to an end', 'POST /webhook/main HTTP/1.1\r\nHost: localhost\r\nX-Slow: '],
  ['a body that does not come to an end', head('Content-Length: 100')],
])('%s end the connection, and others are served meanwhile', async (_, said) => {
  const { app } = aPublicWorld()
  const { port } = await listen(app, { limits: impatient })
  const slow = talk(port, said)
  const drip = setInterval(() => slow.socket.writable && slow.socket.write('x'), 20)
  expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('ok')
  expect(await slow.heard).toMatch(/^HTTP\/1\.1 408 /)
  clearInterval(drip)
})

test.each([
  ['a length and chunks', head('Content-Length: 4', 'Transfer-Encoding: chunked'), 400],
  ['two lengths', head('Content-Length: 4', 'Content-Length: 5'), 400],
  ['a length that is no number', head('Content-Length: abc'), 400],
  ['a negative length', head('Content-Length: -1'), 400],
  ['an unknown transfer encoding', head('Transfer-Encoding: xchunked'), 400],
  ['a bare line feed', 'POST /webhook/main HTTP/1.1\nHost: localhost\n\n', 400],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['headers of 9 kB', head(`X-Long: ${'x'.repeat(9_000)}`), 431],
  ['three thousand headers', head(...Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`)), 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00', 400],
])('%s is refused before any app sees it', async (_, said, status) => {
  const { app, store } = aPublicWorld()
  const { port } = await listen(app)
  const { heard, socket } = talk(port, `${said}4\r\nWiki\r\n0\r\n\r\n`)
  socket.end()
  expect(await heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(store.all()).toEqual([])
})

test('a burst of bad signatures from one address leaves good deliveries alone', async () => {
  const { app } = aPublicWorld()
  const { port } = await listen(app)
  const send = (signature: string, id: number) =>
    fetch(`http://127.0.0.1:${port}/webhook/main`, {
      method: 'POST',
      headers: { 'x-signature': signature, 'x-forwarded-for': `10.0.0.${id}` },
      body: JSON.stringify({ kind: 'nudge', id: String(id), event: 'push' }),
    }).then(({ status }) => status)
  const forged = await Promise.all(Array.from({ length: 30 }, (_, id) => send('bad', id)))
  expect(forged.filter((status) => status === 429)).toHaveLength(20)
  expect(await send('good', 1)).toBe(202)
})

/** An app whose answer to `/` waits until it is told to finish. */
function aSlowApp() {
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const app = new Hono().get('/', async (c) => {
    reach()
    await finished
    return c.text('finished')
  })
  return { app, reached, finish }
}

test('closing lets a request in flight finish, takes no new connection, and keeps none alive', async () => {
  const { app, reached, finish } = aSlowApp()
  const patient = { ...serverLimits, keepAliveTimeout: 60_000 }
  const listener = await listen(app, { drain: 60_000, limits: patient })
  const { heard } = talk(listener.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await reached
  const closed = listener.close()
  await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow()
  finish()
  expect(await heard).toMatch(/^HTTP\/1\.1 200 [\s\S]*finished$/)
  await closed
})

test('closing ends what has not finished within the bound', async () => {
  const { app, reached } = aSlowApp()
  const listener = await listen(app, { drain: 50 })
  const { heard } = talk(listener.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await reached
  await Promise.all([listener.close(), listener.close()])
  expect(await heard).toBe('')
})

test('a connection that is kept alive does not hold up closing', async () => {
  const { app } = aPublicWorld()
  const listener = await listen(app, { drain: 25_000, limits: { ...serverLimits, keepAliveTimeout: 25_000 } })
  const { hear, heard } = talk(listener.port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await hear(/ok$/)
  await listener.close()
  expect(await heard).toMatch(/ok$/)
})

test('an address that is taken is named, with what to do', async () => {
  const { app } = aPublicWorld()
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const address = holder.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await expect(listen(app, { port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: another process has this port`,
  )
  await expect(listen(app, { port })).rejects.toBeInstanceOf(CannotListen)
  await new Promise((resolve) => holder.close(resolve))
})
