import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { forges, journey } from './stage.ts'
import { until } from './until.ts'

const test = journey()

test.concurrent.for(forges)('by webhook, a job queued on $kind gets exactly one runner', async (version, { stage }) => {
  const forge = await stage.forge(version)
  const dispatcher = await stage.dispatcher()
  const targets = [{ labels: ['linux'], ttl: '20m', machine_type: '4x8', image: 'debian', env: { A: 'b' } }]
  const instance = forge.instance({ disable_polling: true, reconcile_interval: 0, targets })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look(forge.kind)

  const [job] = forge.push({})
  await until('the dispatcher is asked', () => dispatcher.calls.length > 0)
  await service.look(forge.kind)

  const [dispatch] = await service.dispatches()
  expect(dispatcher.calls).toHaveLength(1)
  expect(dispatcher.calls[0]).toMatchObject({
    method: 'POST',
    path: '/api/v1/dispatch',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': dispatch?.id,
      'x-muster-job': `${forge.kind}/${job?.id}`,
    },
  })
  expect(dispatcher.calls[0]?.body).toEqual({
    count: 1,
    labels: ['linux'],
    ttl: '20m0s',
    machine_type: '4x8',
    image: 'debian',
    env: { A: 'b' },
    scope: { level: 'repository', owner: 'harbour', name: 'lighthouse' },
  })
  expect(await service.job(forge.kind, job?.id ?? 0)).toMatchObject({
    state: 'queued',
    verdict: 'covered',
    target: 'linux',
    covered_by: { dispatch: dispatch?.id },
  })
})

test.concurrent.for(forges)(
  'by polling alone, a job queued on $kind gets exactly one runner',
  async (version, { stage }) => {
    const forge = await stage.forge(version)
    const dispatcher = await stage.dispatcher()
    const instance = forge.instance({ webhook_secret: undefined, webhook: undefined })
    const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
    await service.look(forge.kind)
    const [job] = forge.push({})

    await until('the dispatcher is asked', () => dispatcher.calls.length > 0)
    await service.look(forge.kind)
    expect(dispatcher.calls.map((call) => call.job)).toEqual([`${forge.kind}/${job?.id}`])
    expect(dispatcher.calls[0]?.body).toEqual({ count: 1, labels: ['linux'], ttl: '1h0m0s', scope: forge.scope })
    expect(await service.instance(forge.kind)).toMatchObject({ mode: 'polling', webhook: null })
    expect(await fetch(`${service.publicUrl}/webhook/${forge.kind}`, { method: 'POST' })).toMatchObject({ status: 404 })
  },
)

test.concurrent.for(forges)(
  'replays, webhook and poll both, and a restart start nothing more for a job on $kind',
  async (version, { stage }) => {
    const forge = await stage.forge(version)
    const dispatcher = await stage.dispatcher()
    const configuration = { dispatcher: { url: dispatcher.url }, instances: [forge.instance()] }
    const first = await stage.start(configuration)
    await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
    const [job] = forge.push({})
    await until('the dispatcher is asked', () => dispatcher.calls.length > 0)
    const queued = await until('it was delivered', () => forge.deliveries(job)[0])

    expect(await forge.redeliver(queued)).toEqual({ status: 202, body: { status: 'duplicate' } })
    expect(await forge.redeliver(queued, randomUUID())).toEqual({ status: 202, body: { status: 'accepted' } })
    await first.look(forge.kind)
    expect(await first.dispatches()).toHaveLength(1)

    await first.stop()
    const second = await stage.start(configuration)
    expect(await forge.redeliver(queued)).toEqual({ status: 202, body: { status: 'duplicate' } })
    expect(await forge.redeliver(queued, randomUUID())).toEqual({ status: 202, body: { status: 'accepted' } })
    await second.look(forge.kind)
    expect(await second.dispatches()).toHaveLength(1)
    expect(dispatcher.calls).toHaveLength(1)
    expect(await second.jobs()).toEqual([expect.objectContaining({ id: String(job?.id), round: 1, dispatches: 1 })])
  },
)

test.concurrent('seven jobs get as many runners as may run at once, and the rest as places become free', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ name: 'linux', labels: ['linux'], max: 3 }]
  const service = await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets })],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const jobs = forge.push(...Array.from({ length: 7 }, (_, index) => ({ name: `job-${index}` })))

  const asked = (count: number) => until(`${count} runners were asked for`, () => dispatcher.calls.length >= count)
  await asked(3)
  await service.look('gitea')
  const verdicts = (await service.jobs()).map(({ verdict }) => verdict).sort()
  expect(verdicts).toEqual(['covered', 'covered', 'covered', 'full', 'full', 'full', 'full'])
  expect(dispatcher.calls.map(({ job }) => job)).toEqual(jobs.slice(0, 3).map(({ id }) => `gitea/${id}`))

  for (const done of [1, 2, 3, 4, 5, 6, 7]) {
    const taken = forge.take(forge.runner(`cloud-${done}`))
    if (taken) forge.finish(taken)
    await asked(Math.min(7, 3 + done))
    await service.look('gitea')
    expect(dispatcher.calls).toHaveLength(Math.min(7, 3 + done))
  }
  await until('all jobs are over', async () => (await service.jobs()).every(({ state }) => state === 'finished'))
  expect((await service.list('dispatches?live=true')).length).toBe(0)
  expect(new Set(dispatcher.calls.map(({ job }) => job)).size).toBe(7)
})
