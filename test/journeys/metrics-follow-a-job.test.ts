import { expect } from 'vitest'
import { journey } from './stage.ts'
import { until } from './until.ts'

const test = journey()

test.concurrent('the waits of a job are measured from its webhook to its runner, once each', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const cloud = await stage.cloud(forge)
  const instance = forge.instance({ targets: [{ name: 'linux', labels: ['linux'] }] })
  const service = await stage.start({ dispatcher: { url: cloud.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [job] = forge.push({ seconds: 5 })
  await until('the job has run', () => job?.conclusion === 'success')
  await service.look('gitea')

  const of = { instance: 'gitea', target: 'linux' }
  expect(await service.metric('muster_webhook_to_dispatch_seconds_count', of)).toBe(1)
  expect(await service.metric('muster_queue_wait_seconds_count', of)).toBe(1)
  expect(await service.metric('muster_boot_seconds_count', of)).toBe(1)
  // Its runner takes a second to join, and cannot be seen before that.
  expect(await service.metric('muster_boot_seconds_sum', of)).toBeGreaterThanOrEqual(1)
})

test.concurrent('a job that only a look found says nothing of how quick webhooks are', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const cloud = await stage.cloud(forge)
  const instance = forge.instance({ webhook: undefined, webhook_secret: undefined, targets: [{ labels: ['linux'] }] })
  const service = await stage.start({ dispatcher: { url: cloud.url }, instances: [instance] })
  const [job] = forge.push({ seconds: 5 })
  await until('the job has run', () => job?.conclusion === 'success')
  await service.look('gitea')
  expect(await service.metric('muster_queue_wait_seconds_count')).toBe(1)
  expect(await service.metric('muster_webhook_to_dispatch_seconds_count')).toBe(0)
})

test.concurrent('silence is seen: when the last look, turn and delivery were, and who works the instance', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const before = stage.clock.now() / 1_000
  forge.push({})
  await until('the dispatcher is asked', () => dispatcher.calls.length > 0)
  await service.look('gitea')
  for (const what of ['delivery', 'complete_look', 'turn'])
    expect([what, await service.metric(`muster_last_${what}_timestamp_seconds`)]).toEqual([
      what,
      expect.toSatisfy((at) => at >= before),
    ])
  expect(await service.metric('muster_lease', { instance: 'gitea' })).toBe(1)
  expect(await service.metric('muster_look_seconds_count', { complete: 'true' })).toBeGreaterThan(1)
  expect(await service.metric('muster_look_seconds_count', { complete: 'false' })).toBe(0)
})

test.concurrent('what a forge still allows is shown where it tells', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'github' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await service.look('github')
  const left = await service.metric('muster_forge_quota_left', { instance: 'github' })
  expect(left).toBeGreaterThan(0)
  expect(await service.metric('muster_forge_quota', { instance: 'github' })).toBeGreaterThan(left)
})

test.concurrent('an open breaker is shown, and closes again', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const open = () => service.metric('muster_breaker_open', { dispatcher: 'default' })
  dispatcher.behave((_, answer) => void answer.writeHead(500).end('{"error":"no machine is free"}'))
  for (let count = 0; count < 3; count++) forge.push({})
  await until('the breaker is open', async () => (await open()) === 1)
  dispatcher.behave(
    (_, answer) => void answer.writeHead(200, { 'content-type': 'application/json' }).end('{"runners":[{"name":"r"}]}'),
  )
  await until('the breaker is closed', async () => (await open()) === 0)
})

test.concurrent('the process tells of itself, too', async ({ stage }) => {
  const dispatcher = await stage.dispatcher()
  const forge = await stage.forge({ kind: 'gitea', version: '1.27' })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  expect(await service.metric('muster_build_info')).toBe(1)
  expect(await service.metric('process_resident_memory_bytes')).toBeGreaterThan(0)
  expect(await service.metric('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
})
