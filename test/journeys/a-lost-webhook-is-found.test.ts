import { expect } from 'vitest'
import { dialects } from './dialects.ts'
import { journey } from './stage.ts'
import { until } from './until.ts'

const test = journey()

const recoverable = dialects.filter(({ tells, listsJobs }) => tells && listsJobs)

test.concurrent.for(recoverable)(
  'a job on $name whose webhook is lost is served all the same, counted once, and polling is taken up again',
  async ({ version }, { stage }) => {
    const forge = await stage.forge(version)
    const dispatcher = await stage.dispatcher()
    const service = await stage.start({
      dispatcher: { url: dispatcher.url },
      instances: [forge.instance({ reconcile_interval: '5s' })],
    })
    const mode = async () => (await service.instance(forge.kind)).mode
    await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
    await service.look(forge.kind)
    forge.push({})
    await until('webhooks are trusted', async () => (await mode()) === 'webhook')
    // A look that began before the first job event proves no loss.
    await service.look(forge.kind)

    forge.loseNext()
    const [lost] = forge.push({})
    await until('its runner is asked for', () =>
      dispatcher.calls.some(({ job }) => job === `${forge.kind}/${lost?.id}`),
    )
    await until('polling is taken up again', async () => (await mode()) === 'polling')
    expect(await service.metric('muster_webhooks_lost_total', { instance: forge.kind })).toBe(1)
    const events = await service.list(`events?instance=${forge.kind}`)
    expect(events.filter(({ type }) => type === 'webhook_lost').map(({ job }) => job.id)).toEqual([String(lost?.id)])

    await service.look(forge.kind)
    forge.push({})
    await until('webhooks are trusted again', async () => (await mode()) === 'webhook')
    await stage.clock.sleep(10_000)
    expect(await service.metric('muster_webhooks_lost_total', { instance: forge.kind })).toBe(1)
    expect(dispatcher.calls).toHaveLength(3)
  },
)

test.concurrent('a second loss asks for two good webhooks before polling ends', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ reconcile_interval: '5s' })],
  })
  const modeIs = (mode: string) =>
    until(`the mode is ${mode}`, async () => (await service.instance('gitea')).mode === mode)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  forge.push({})
  await modeIs('webhook')
  await service.look('gitea')
  for (const loss of [1, 2]) {
    forge.loseNext()
    forge.push({})
    await modeIs('polling')
    await service.look('gitea')
    for (let more = 1; more < loss; more++) {
      forge.push({})
      await service.look('gitea')
      expect(await service.instance('gitea')).toMatchObject({ mode: 'polling' })
    }
    forge.push({})
    await modeIs('webhook')
  }
  expect(await service.metric('muster_webhooks_lost_total', { instance: 'gitea' })).toBe(2)
})

test.concurrent('without polling a lost webhook is found by the slow look, and counted', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'github' })
  const dispatcher = await stage.dispatcher()
  const instance = forge.instance({ disable_polling: true, reconcile_interval: '5s' })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('github')
  forge.loseNext()
  const [lost] = forge.push({})
  await until('its runner is asked for', () => dispatcher.calls.length === 1)
  expect(dispatcher.calls[0]?.job).toBe(`github/${lost?.id}`)
  await until('the loss is counted', async () => (await service.metric('muster_webhooks_lost_total')) === 1)
  expect(await service.instance('github')).toMatchObject({ mode: 'webhook_only' })
})

test.concurrent('what the first look finds was never announced, and is no loss', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  forge.push({}, { name: 'another' })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('both are served', () => dispatcher.calls.length === 2)
  forge.push({})
  await until('webhooks are trusted', async () => (await service.instance('gitea')).mode === 'webhook')
  await stage.clock.sleep(15_000)
  await service.look('gitea')
  expect(await service.metric('muster_webhooks_lost_total')).toBe(0)
  expect(await service.instance('gitea')).toMatchObject({ mode: 'webhook' })
})
