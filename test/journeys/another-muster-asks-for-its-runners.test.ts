import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { type RunningService, startService } from '../support/service.ts'

import { journey, type Stage } from './stage.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey(4)
const runner = fileURLToPath(new URL('../../src/simulation/runner.ts', import.meta.url))

interface Asking {
  token: string
  /** The first Muster: it has runners, and no target for the jobs of the second. */
  service: RunningService
  ask(body: object, headers?: Record<string, string>): Promise<{ status: number; json: Record<string, unknown> }>
}

/** One that offers the dispatcher API for a forge, at whatever dispatcher. */
async function anOffer(
  stage: Stage,
  forge: StagedForge,
  dispatcher: object,
  api: object = {},
  instance: object = {},
): Promise<Asking> {
  const token = stage.canaries.add('canary-of-the-callers-token')
  const service = await stage.start({
    dispatchers: { default: dispatcher },
    dispatcher_api: { enabled: true, token, ...api },
    instances: [
      forge.instance({
        targets: [{ labels: ['own'] }],
        webhook: undefined,
        webhook_secret: undefined,
        poll_interval: '5s',
        ...instance,
      }),
    ],
  })
  return { token, service, ask: (body, headers) => askOf(service, token, body, headers) }
}

async function askOf(service: RunningService, token: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${service.adminUrl}/api/v1/dispatch`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
  })
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
}

/** The process dispatcher with the stand-in of its runner, which leaves nobody behind. */
function aYard(stage: Stage, forge: StagedForge): object {
  stage.onEnd(() => until('no runner is left', () => liveRunners(forge).length === 0))
  stage.onEnd(() => liveRunners(forge).forEach((one) => void forge.world.runners.remove(one)))
  return { kind: 'process', command: [execPath, runner], work_dir: join(stage.folder, 'work') }
}

function liveRunners({ world }: StagedForge) {
  return [...world.ground.runners.values()].filter(({ goneAt }) => goneAt === null)
}

test('another Muster gets its runners here, by nothing but a url', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const { service, token } = await anOffer(stage, forge, aYard(stage, forge))

  const folder = join(stage.folder, 'second')
  await mkdir(folder)
  const second = await startService(
    {
      listen: '127.0.0.1:0',
      admin: { listen: '127.0.0.1:0' },
      state: `sqlite:${join(folder, 'muster.db')}`,
      dispatcher: { url: service.adminUrl.replace('://', `://x:${token}@`) },
      instances: [
        forge.instance({
          name: 'second',
          targets: [{ labels: ['linux:host'], ttl: '20m' }],
          webhook: undefined,
          webhook_secret: undefined,
          poll_interval: '2s',
        }),
      ],
    },
    { folder, clock: stage.clock },
  )
  stage.onEnd(() => second.stop())

  const [job] = forge.push({ seconds: 3 })
  await until('the job has run', () => job?.conclusion === 'success')
  const [asked] = await service.dispatches()
  expect(asked).toMatchObject({ target: 'api', job: null, labels: ['linux:host'], runner: job?.runner?.name })
  await until('both know that it is over', async () => {
    const live = await Promise.all([service, second].map((one) => one.list('dispatches?live=true')))
    return live.every(({ length }) => length === 0)
  })
  expect(await second.dispatches()).toEqual([expect.objectContaining({ state: 'accepted', runner: job?.runner?.name })])
  expect(await service.dispatches()).toHaveLength(1)
  expect(forge.world.ground.runners.size).toBe(1)
})

test('a start that was answered comes after a restart, under the name that was told', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const url = dispatcher.url
  const secret = stage.canaries.add('canary-in-the-env-of-a-caller')
  const first = await anOffer(stage, forge, { kind: 'http', url })
  const { name } = await first.service.instance('gitea').then(({ name }) => ({ name: String(name) }))
  await first.service.post(`instances/${name}/pause`)
  const body = { labels: ['linux'], ttl: '90s', env: { SECRET: secret } }
  const answer = await first.ask(body, { 'idempotency-key': 'k-1' })
  expect(answer.status).toBe(200)
  const waiting = await first.service.list('requests')
  expect(waiting).toEqual([expect.objectContaining({ labels: ['linux'], ttl_seconds: 90 })])
  await first.service.stop()
  expect(dispatcher.calls).toEqual([])

  const { service, ask } = await anOffer(stage, forge, { kind: 'http', url })
  expect(await service.list('requests')).toEqual(waiting)
  expect(await ask(body, { 'idempotency-key': 'k-1' })).toEqual(answer)
  expect((await ask({ labels: ['linux'] }, { 'idempotency-key': 'k-1' })).status).toBe(422)
  await service.post(`instances/${name}/resume`)
  const call = await until('it is asked for', () => dispatcher.calls[0])
  expect(call.headers['idempotency-key']).toBe(waiting[0]?.id)
  expect(answer.json).toEqual({ runners: [{ name: `muster-${waiting[0]?.id}` }] })
  expect(call.body).toMatchObject({ count: 1, labels: ['linux'], ttl: '1m30s', env: { SECRET: secret } })
  await until('nothing waits', async () => (await service.list('requests')).length === 0)
  expect(await ask(body, { 'idempotency-key': 'k-1' })).toEqual(answer)
  expect(dispatcher.calls).toHaveLength(1)
})

test('what max_parallel has no room for waits in its order, and is started as room comes', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const { service, ask } = await anOffer(stage, forge, { kind: 'http', url: dispatcher.url }, { max_parallel: 2 })
  for (const image of ['a', 'b', 'c', 'd']) expect((await ask({ labels: ['linux'], image })).status).toBe(200)
  await until('two are asked for', () => dispatcher.calls.length === 2)
  const waiting = () => service.metric('muster_dispatch_requests_waiting', { instance: 'gitea' })
  await until('two wait', async () => (await waiting()) === 2)
  expect((await service.list('requests')).map(({ image }) => image)).toEqual(['c', 'd'])
  for (const left of [1, 0]) {
    const [oldest] = (await service.list('dispatches?live=true')).reverse()
    expect(await service.post(`dispatches/${oldest?.id}/release`)).toMatchObject({
      status: 200,
      json: { gone_reason: 'released' },
    })
    await until('the next is started', async () => (await waiting()) === left)
  }
  expect(dispatcher.calls.map(({ body }) => body.image)).toEqual(['a', 'b', 'c', 'd'])
})

test('a repeat that comes at the same moment starts nothing twice', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const { ask, service } = await anOffer(stage, forge, { kind: 'http', url: dispatcher.url })
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask({ labels: ['linux'], count: 2 }, { 'idempotency-key': 'same' })),
  )
  expect(new Set(answers.map(({ json }) => JSON.stringify(json))).size).toBe(1)
  await until('they are started', () => dispatcher.calls.length === 2)
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(2)
  expect(await service.dispatches()).toHaveLength(2)
})

test.for([{ kind: 'gitea', version: '1.26' }, { kind: 'forgejo', version: 15 }, { kind: 'github' }] as const)(
  'a runner that is asked for in a narrower scope is registered there on $kind, and its place is free when it is gone',
  async (version, { stage }) => {
    const forge = await stage.forge(version)
    const scope = { level: 'organization', owner: 'harbour' }
    const { ask, service } = await anOffer(stage, forge, aYard(stage, forge), {}, { scope })
    const asked = { level: 'repository', owner: 'harbour', name: 'lighthouse' }
    expect((await ask({ labels: ['linux'], scope: asked })).status).toBe(200)
    const [job] = forge.push({ seconds: 0.2 })
    await until('the job has run', () => job?.conclusion === 'success')
    expect([...forge.world.ground.runners.values()].map((one) => one.scope)).toEqual([asked])
    await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)
    expect((await ask({ labels: ['linux'], scope: { ...asked, owner: 'elsewhere' } })).status).toBe(403)
  },
)
