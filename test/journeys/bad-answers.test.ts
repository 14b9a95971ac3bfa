import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { journey, type Stage } from './stage.ts'
import type { Temper } from './staged-forge.ts'
import { until } from './until.ts'

// A minute in a second and a half.
const test = journey(40)

type Answering = (request: IncomingMessage, answer: ServerResponse) => void

interface BadAnswer {
  name: string
  temper: Temper
  /** What the view of the instance says of it. */
  error: RegExp
}

const gitea = { kind: 'gitea', version: '1.26' } as const
const json = { 'content-type': 'application/json' }
const status = (code: number, headers: Record<string, string> = {}): Answering => {
  return (_, answer) => void answer.writeHead(code, { ...json, ...headers }).end('{"message":"no such luck"}')
}

const loginPage: Answering = (_, answer) =>
  void answer.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
const truncated: Answering = (_, answer) => void answer.writeHead(200, json).end('{"jobs":[{"id":1,"na')
const nothing: Answering = (_, answer) => void answer.writeHead(200, json).end()
const emptyObject: Answering = (_, answer) => void answer.writeHead(200, json).end('{}')
const brokenOff: Answering = (_, answer) => {
  answer.writeHead(200, { ...json, 'content-length': '1000' }).write('{"jobs":[')
  setTimeout(() => answer.destroy(), 10)
}
/** Bytes for as long as anybody takes them. */
const endless: Answering = (_, answer) => {
  const chunk = Buffer.alloc(256 * 1024, ' ')
  const pour = () => {
    while (!answer.destroyed && answer.write(chunk));
  }
  answer.writeHead(200, json).on('drain', pour)
  pour()
}

const bad: readonly BadAnswer[] = [
  { name: 'a login page', temper: loginPage, error: /not JSON/ },
  { name: 'JSON that ends in the middle', temper: truncated, error: /not JSON/ },
  { name: 'an empty body', temper: nothing, error: /unexpected shape/ },
  { name: 'an empty object', temper: emptyObject, error: /unexpected shape/ },
  { name: 'a body that is broken off', temper: brokenOff, error: /got no answer/ },
  { name: 'a body without an end', temper: endless, error: /larger than/ },
  { name: '401', temper: status(401), error: /401/ },
  { name: '403', temper: status(403), error: /403/ },
  { name: '404', temper: status(404), error: /not show|no forge answers|404/ },
  { name: '429', temper: status(429), error: /rate limited/ },
  { name: '429 with Retry-After', temper: status(429, { 'retry-after': '120' }), error: /rate limited/ },
  { name: '500', temper: status(500), error: /500/ },
  { name: '503', temper: 'fails', error: /503/ },
  { name: 'a broken connection', temper: 'breaks', error: /got no answer/ },
]

const kinds = [{ kind: 'forgejo', version: 15 }, gitea, { kind: 'github' }] as const satisfies readonly ForgeVersion[]

/** An instance whose forge will be ill, with one job at work and one runner on its way, and a healthy instance beside it. */
async function aWard(stage: Stage, version: ForgeVersion = gitea) {
  const ill = await stage.forge(version, 'ill')
  const well = await stage.forge({ kind: 'gitea', version: '1.27' }, 'well')
  const dispatcher = await stage.dispatcher()
  const beats = { poll_interval: '5s', reconcile_interval: '5s' }
  const targets = [{ name: 'linux', labels: ['linux'], max: 2, ttl: '1h', boot_timeout: '30m' }]
  const service = await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [ill.instance({ ...beats, targets }), well.instance({ ...beats, targets })],
  })
  for (const { world } of [ill, well]) await until('the webhook is made', () => world.ground.hooks.size === 1)
  await service.look('ill')
  const [working, awaited] = ill.push({ name: 'working' }, { name: 'awaited' })
  await until('both runners are asked for', () => dispatcher.calls.length === 2)
  const runner = ill.runner('cloud-1')
  ill.take(runner)
  const stateOf = async (job: { id: number } | undefined) => (await service.job('ill', job?.id ?? 0)).state
  await until('the one runs', async () => (await stateOf(working)) === 'running')
  await service.look('ill')
  return { ill, well, dispatcher, service, working, awaited, stateOf }
}

test.concurrent.for(kinds.flatMap((version) => bad.map((answer) => ({ ...answer, version, kind: version.kind }))))(
  'a $kind that answers with $name: nothing is taken for over, no other waits, and it is asked less and less',
  async ({ version, temper, error }, { stage }) => {
    const { ill, well, dispatcher, service, working, awaited, stateOf } = await aWard(stage, version)
    const live = (await service.list('dispatches?live=true&instance=ill')).map(({ id }) => id)
    ill.temper = temper
    const before = ill.requests.length
    const lastError = async () => (await service.instance('ill')).last_look?.error
    await until('it is told', async () => error.test((await lastError()) ?? ''))

    // The other instance is served meanwhile.
    const [its] = well.push({})
    await until('the other is served', () => dispatcher.calls.some(({ job }) => job === `well/${its?.id}`))

    await stage.clock.sleep(120_000)
    // Looks after 1, 2, 4, … 64 s, each of two calls that are tried three times, and the one that was asked for.
    expect(ill.requests.length - before).toBeLessThanOrEqual(8 * 2 * 3)
    expect([await stateOf(working), await stateOf(awaited)]).toEqual(['running', 'queued'])
    expect((await service.list('dispatches?live=true&instance=ill')).map(({ id }) => id)).toEqual(live)
    expect(dispatcher.calls.filter(({ job }) => job?.startsWith('ill/'))).toHaveLength(2)
    expect(await lastError()).toMatch(error)

    ill.temper = 'answers'
    await service.post('instances/ill/look')
    await until('it is whole again', async () => (await service.instance('ill')).last_look?.complete)
    expect(await lastError()).toBeNull()
    if (working) ill.finish(working)
    await until('the job is over', async () => (await stateOf(working)) === 'finished')
    expect(await stateOf(awaited)).toBe('queued')
  },
)

test.concurrent('a forge that asks to be left alone for two minutes is not asked before', async ({ stage }) => {
  const { ill, service } = await aWard(stage)
  ill.temper = status(429, { 'retry-after': '120' })
  const limited = async () => /rate limited/.test((await service.instance('ill')).last_look?.error ?? '')
  await until('the limit is told', limited)
  const before = ill.requests.length
  await stage.clock.sleep(90_000)
  expect(ill.requests.length).toBe(before)
  ill.temper = 'answers'
  await until('it is asked again', async () => (await service.instance('ill')).last_look?.complete)
})

test.concurrent('a redirect is not followed, and the token reaches no other host', async ({ stage }) => {
  const { ill, service, stateOf, working } = await aWard(stage)
  const strangers: IncomingMessage['headers'][] = []
  const server = createServer((request, answer) => {
    strangers.push(request.headers)
    answer.writeHead(200, json).end('{"jobs":[],"total_count":0}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.onEnd(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  for (const code of [301, 302, 307, 308]) {
    ill.temper = (request, answer) =>
      void answer.writeHead(code, { location: `http://127.0.0.1:${port}${request.url}` }).end()
    await service.post('instances/ill/look')
    await until(`${code} is told`, async () =>
      String((await service.instance('ill')).last_look?.error).includes(String(code)),
    )
  }
  expect(strangers).toEqual([])
  expect(await stateOf(working)).toBe('running')
  ill.temper = 'answers'
  await service.post('instances/ill/look')
  await until('it is whole again', async () => (await service.instance('ill')).last_look?.complete)
})

test.concurrent('a forge that hangs holds up nobody, and is asked once at a time', async ({ stage }) => {
  const { ill, well, dispatcher, service, stateOf, working } = await aWard(stage)
  ill.temper = 'hangs'
  await service.post('instances/ill/look')
  await until('a call hangs', () => ill.requests.length > 0)
  const before = ill.requests.length
  const [its] = well.push({})
  await until('the other is served', () => dispatcher.calls.some(({ job }) => job === `well/${its?.id}`))
  await stage.clock.sleep(60_000)
  // One look, its calls in parallel, and perhaps the webhook's.
  expect(ill.requests.length - before).toBeLessThanOrEqual(4)
  expect(await stateOf(working)).toBe('running')
})
