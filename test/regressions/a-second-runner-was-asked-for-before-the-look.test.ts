import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'

const test = journey(30)
const targets = [{ labels: ['linux'], boot_timeout: '65s' }]

test.concurrent('a job that ran while the service was down gets no second runner at its start', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const configuration = { dispatcher: { url: dispatcher.url }, instances: [forge.instance({ targets })] }
  const first = await stage.start(configuration)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.push({})
  await until('a runner is asked for', () => dispatcher.calls.length === 1)
  await first.stop()

  const job = forge.take(forge.runner('cloud-1'))
  if (job) forge.finish(job)
  await stage.clock.sleep(70_000)
  const second = await stage.start(configuration)
  await until('it is over', async () => (await second.job('gitea', job?.id ?? 0)).state === 'finished')
  await second.look('gitea')
  expect(dispatcher.calls).toHaveLength(1)
})

test.concurrent('a job whose end nobody told gets no second runner when boot_timeout is over', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const instance = forge.instance({ targets, reconcile_interval: '1h' })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.push({})
  await until('a runner is asked for', () => dispatcher.calls.length === 1)
  await until('webhooks are trusted', async () => (await service.instance('gitea')).mode === 'webhook')

  for (const hook of forge.world.ground.hooks.values()) forge.world.hooks.change(hook, { active: false })
  const job = forge.take(forge.runner('cloud-1'))
  if (job) forge.finish(job)
  await until('it is over', async () => (await service.job('gitea', job?.id ?? 0)).state === 'finished')
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(1)
})
