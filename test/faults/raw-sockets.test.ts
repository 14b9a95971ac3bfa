import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, vi } from 'vitest'
import { aJobEvent, deliver } from '../journeys/hand-made-delivery.ts'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { aTown, service } from './town.ts'

const test = journey(1)
vi.setConfig({ testTimeout: 120_000 })

interface Talk {
  /** Everything that came until the other side closed. */
  heard: Promise<string>
  /** Says it again and again until the other side has had enough. */
  drip(said: string, pause: number): void
}

function talk(port: number, said: string): Talk {
  const socket = connect({ port, host: '127.0.0.1' })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  socket.write(said)
  const heard = new Promise<string>((resolve) => {
    socket.on('close', () => resolve(text))
  })
  return {
    heard,
    drip(more, pause) {
      const dripping = setInterval(() => socket.writable && socket.write(more), pause)
      void heard.then(() => clearInterval(dripping))
    },
  }
}

const head = (...lines: string[]) =>
  `${['POST /webhook/gitea HTTP/1.1', 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`
const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`

/** What no server should read in two ways, and what is too much. */
const refused: readonly [string, string, number][] = [
  ['a length and chunks', head('Content-Length: 4', 'Transfer-Encoding: chunked'), 400],
  ['two lengths', head('Content-Length: 4', 'Content-Length: 5'), 400],
  ['a length that is no number', head('Content-Length: abc'), 400],
  ['a negative length', head('Content-Length: -1'), 400],
  ['an unknown transfer encoding', head('Transfer-Encoding: xchunked'), 400],
  ['a bare line feed', 'POST /webhook/gitea HTTP/1.1\nHost: localhost\n\n', 400],
  ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['headers of 9 kB', head(`X-Long: ${'x'.repeat(9_000)}`), 431],
  ['three thousand headers', head(...Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`)), 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00', 400],
]

/** KiB in memory, where the kernel tells it. */
function memory(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1])
}

test('whatever comes over raw sockets of the running service, it is refused, and deliveries go on beside it', async ({
  stage,
}) => {
  const town = await aTown(stage, { name: 'raw-sockets' })
  const run = service(town)
  const { adminUrl } = await run.ready()
  const ports = [stage.port, Number(new URL(adminUrl).port)]
  const well = async () => {
    const event = { kind: 'gitea', event: 'workflow_job', secret: town.forge.secret } as const
    return (await deliver(town.hook, { ...event, payload: aJobEvent({ labels: ['nobody'] }) })).status
  }
  const before = process.platform === 'linux' ? memory(run.child.pid) : 0

  // As long as Node's timers of the listener take: they are real here.
  const slowHeaders = talk(stage.port, 'POST /webhook/gitea HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
  slowHeaders.drip('x', 300)
  const slowBody = talk(stage.port, head('Content-Length: 5000'))
  slowBody.drip('x', 300)
  const endless = Array.from({ length: 8 }, () => talk(stage.port, head('Transfer-Encoding: chunked')))
  for (const one of endless) one.drip(chunk.repeat(16), 5)
  const huge = Array.from({ length: 8 }, () => talk(stage.port, head('Content-Length: 2000000000')))
  for (const one of huge) one.drip(chunk.repeat(16), 5)

  for (const port of ports) {
    for (const [what, said, status] of refused)
      expect(await talk(port, said).heard, what).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  }
  expect(await well()).toBe(202)
  for (const one of [...endless, ...huge]) expect(await one.heard).toMatch(/^HTTP\/1\.1 413 /)
  expect(await slowHeaders.heard).toMatch(/^HTTP\/1\.1 408 /)
  expect(await slowBody.heard).toMatch(/^HTTP\/1\.1 408 /)
  expect(await well()).toBe(202)
  // What was thrown at it was many times more than this.
  if (process.platform === 'linux')
    await until('its memory is as before', () => memory(run.child.pid) < before + 100 * 1024)
  expect(run.child.exitCode).toBeNull()
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
})
