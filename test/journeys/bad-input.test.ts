import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { expect } from 'vitest'
import { type Example, example, examplesOf } from '../fixtures/github/examples.ts'
import { aJobEvent, deliver } from './hand-made-delivery.ts'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey()

async function aDoor(stage: Stage) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({
    max_body: '4KiB',
    dispatcher: { url: dispatcher.url },
    instances: [
      forge.instance({ webhook: undefined }),
      forge.instance({ name: 'deaf', webhook: undefined, webhook_secret: undefined }),
    ],
  })
  const url = `${service.publicUrl}/webhook/gitea`
  const send = (over: Partial<Parameters<typeof deliver>[1]> = {}, to = url) =>
    deliver(to, { kind: 'gitea', event: 'workflow_job', payload: aJobEvent(), secret: forge.secret, ...over })
  const counted = (result: string) => service.metric('muster_deliveries_total', { instance: 'gitea', result })
  return { forge, dispatcher, service, url, send, counted }
}

test.concurrent('each request is answered as the contract says, in its order', async ({ stage }) => {
  const { service, url, send, counted } = await aDoor(stage)
  const wrong = { secret: 'not-the-secret-of-anyone' }
  const large = 'x'.repeat(5_000)
  expect(await send({}, `${service.publicUrl}/webhook/nobody`)).toMatchObject({ status: 404 })
  expect(await send({}, `${service.publicUrl}/webhook/deaf`)).toMatchObject({ status: 404 })
  const got = await fetch(url)
  expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
  expect((await fetch(`${service.publicUrl}/webhook/nobody`)).status).toBe(404)
  expect(await send({ payload: large, ...wrong })).toMatchObject({ status: 413 })

  const [unsigned, forged] = [await fetch(url, { method: 'POST', body: 'not json' }), await send(wrong)]
  expect([unsigned.status, forged.status]).toEqual([401, 401])
  expect(await unsigned.json()).toEqual(forged.json)
  const beside = { 'x-gitea-signature': 'f'.repeat(64) }
  expect(await send({ headers: beside })).toMatchObject({ status: 401 })
  expect(await send({ headers: { 'x-gitea-signature': '' } })).toMatchObject({ status: 202 })

  expect(await send({ payload: '{"action":' })).toMatchObject({ status: 400 })
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const asForm = await send({ payload: 'payload=%7B%7D', headers: form })
  expect(asForm).toMatchObject({ status: 400, json: { detail: expect.stringContaining('content_type: json') } })
  expect(await send({ payload: { action: 'queued', workflow_job: { id: 'seven' } } })).toMatchObject({ status: 400 })
  expect(await send({ payload: 'null' })).toMatchObject({ status: 400 })

  const id = randomUUID()
  expect(await send({ event: 'push', payload: {} })).toMatchObject({
    status: 202,
    json: { status: 'ignored', reason: 'event' },
  })
  expect(await send({ id })).toMatchObject({ status: 202, json: { status: 'accepted' } })
  expect(await send({ id })).toMatchObject({ status: 202, json: { status: 'duplicate' } })
  expect(await send({ id, event: 'push', payload: {} })).toMatchObject({ json: { status: 'duplicate' } })
  const payload = aJobEvent()
  const nameless = { payload, headers: { 'x-gitea-delivery': '', 'x-gitea-event': '' } }
  expect(await send(nameless)).toMatchObject({ status: 202, json: { status: 'accepted' } })
  expect(await send(nameless)).toMatchObject({ status: 202, json: { status: 'duplicate' } })

  expect(await counted('too_large')).toBe(1)
  expect(await counted('unauthorized')).toBe(3)
  expect(await counted('invalid')).toBe(4)
  expect(await counted('ignored')).toBe(1)
  expect(await counted('accepted')).toBe(3)
  expect(await counted('duplicate')).toBe(3)
  expect((await fetch(`${service.publicUrl}/healthz`)).status).toBe(200)
  for (const path of ['/', '/metrics', '/readyz', '/api/v1/jobs']) {
    expect((await fetch(service.publicUrl + path)).status).toBe(404)
  }
})

test.concurrent('a body that is larger than it says is not read to its end', async ({ stage }) => {
  const { url, send } = await aDoor(stage)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const call = request(url, { method: 'POST', headers: { 'transfer-encoding': 'chunked' } }, (answer) => {
      clearInterval(flood)
      answer.resume().once('close', () => resolve(answer.statusCode))
    })
    call.on('error', reject)
    const flood = setInterval(() => call.write('x'.repeat(1_000)), 5)
  })
  expect(status).toBe(413)
  expect(await send()).toMatchObject({ status: 202 })
})

test.concurrent('who guesses is told to wait, and who knows the secret is not', async ({ stage }) => {
  const { send, counted } = await aDoor(stage)
  const answers = []
  for (let guess = 1; guess <= 12; guess++) answers.push(await send({ secret: `guess number ${guess} of many` }))
  expect(answers.map(({ status }) => status)).toEqual([...Array(10).fill(401), 429, 429])
  expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await send()).toMatchObject({ status: 202, json: { status: 'accepted' } })
  expect(await counted('unauthorized')).toBe(12)
})

test.concurrent('of all that GitHub ever sent as an example, only what is truly queued becomes a runner', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'github' })
  const dispatcher = await stage.dispatcher()
  const instance = forge.instance({
    scope: { level: 'enterprise', owner: 'octo' },
    webhook: undefined,
    targets: [{ labels: ['ubuntu-latest', 'k8s', 'gpu', 'db-app', 'dc-03'] }],
  })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  const send = (event: string, payload: object) =>
    deliver(`${service.publicUrl}/webhook/github`, { kind: 'github', event, payload, secret: forge.secret })

  const all = [...examplesOf('api.github.com'), ...examplesOf('ghes-35')]
  expect(all.length).toBeGreaterThan(400)
  const isQueued = ({ event, payload }: Example) =>
    event === 'workflow_job' && payload.action === 'queued' && payload.workflow_job.status === 'queued'
  const queued = all.find(isQueued)
  expect(await send('workflow_job', queued?.payload ?? {})).toMatchObject({ status: 202, json: { status: 'accepted' } })
  await until('its runner is asked for', () => dispatcher.calls.length === 1)

  const others = all.filter((one) => !isQueued(one))
  const answers = await Promise.all(
    others.map(async ({ event, payload }) => ({ event, status: (await send(event, payload)).status })),
  )
  expect(answers.filter(({ status }) => status !== 202)).toEqual([])
  await service.look('github')
  expect(dispatcher.calls.map(({ job }) => job)).toEqual([`github/${queued?.payload.workflow_job.id}`])
  const waiting = example('workflow_job', 7)
  expect(await service.job('github', String(waiting.workflow_job.id))).toMatchObject({
    state: 'waiting',
    verdict: 'waiting',
  })
})
