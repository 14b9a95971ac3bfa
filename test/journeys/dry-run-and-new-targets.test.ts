import { expect } from 'vitest'
import { journey } from './stage.ts'
import { until } from './until.ts'

const test = journey()

test.concurrent('dry_run looks, decides and tells, and does nothing else', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ labels: ['linux'], min_idle: 1 }]
  const [job] = forge.push({})
  const service = await stage.start({
    dry_run: true,
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets })],
  })
  await until('it is decided', async () => (await service.job('gitea', job?.id ?? 0)).verdict === 'dispatching')
  await service.look('gitea')
  expect(service.log.some((line) => line.includes('dry run'))).toBe(true)
  expect(dispatcher.calls).toEqual([])
  expect(await service.dispatches()).toEqual([])
  expect(forge.writes).toEqual([])
})

test.concurrent('a job that no target fitted is served after a restart with one that does', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const configuration = (labels: string[]) => ({
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets: [{ labels }], disable_polling: true, reconcile_interval: 0 })],
  })
  const [job] = forge.push({ labels: ['gpu'] })
  const verdict = async () => (await service.job('gitea', job?.id ?? 0)).verdict
  let service = await stage.start(configuration(['linux']))
  await until('it is unmatched', async () => (await verdict()) === 'unmatched')
  await service.stop()

  forge.temper = 'fails'
  service = await stage.start(configuration(['linux', 'gpu']))
  await until('its runner is asked for', () => dispatcher.calls.length === 1)
  expect(dispatcher.calls[0]?.job).toBe(`gitea/${job?.id}`)
})
