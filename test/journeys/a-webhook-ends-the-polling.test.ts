import { expect } from 'vitest'
import { aJobEvent, deliver } from './hand-made-delivery.ts'
import { forges, journey, type Stage } from './stage.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey()

/** A service that polls, and a forge that does not know where to send its webhooks. */
async function polling(stage: Stage, version: Parameters<Stage['forge']>[0], over: Record<string, unknown> = {}) {
  const forge = await stage.forge(version)
  const dispatcher = await stage.dispatcher()
  const instance = forge.instance({ reconcile_interval: '1h', ...over })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await service.look(forge.kind)
  const modeIs = (mode: string) =>
    until(`the mode is ${mode}`, async () => (await service.instance(forge.kind)).mode === mode)
  return { forge, dispatcher, service, modeIs }
}

/** How often the jobs were asked for. */
function looksAt({ requests }: StagedForge): number {
  return requests.filter((request) => /^GET \S*\/(jobs|runs)\b/.test(request)).length
}

test.concurrent.for(forges)(
  'the first job event ends the polling of $kind, and only the slow look goes on',
  async (version, { stage }) => {
    const { forge, service, modeIs } = await polling(stage, version)
    expect(await service.instance(forge.kind)).toMatchObject({ mode: 'polling' })
    forge.push({})
    await modeIs('webhook')
    expect(await service.metric('muster_mode', { instance: forge.kind, mode: 'webhook' })).toBe(1)
    expect(await service.metric('muster_mode', { instance: forge.kind, mode: 'polling' })).toBe(0)
    // On Forgejo the push was a nudge, too, and has its looks.
    await until('the next look is the slow one', async () => {
      const { next_look_at } = await service.instance(forge.kind)
      return Date.parse(next_look_at) - stage.clock.now() > 60_000
    })
    const before = looksAt(forge)
    // Ten beats of the polling that was.
    await stage.clock.sleep(20_000)
    expect(looksAt(forge)).toBe(before)
  },
)

test.concurrent('the slow look comes at its own beat', async ({ stage }) => {
  const { forge, modeIs } = await polling(stage, { kind: 'gitea', version: '1.26' }, { reconcile_interval: '4s' })
  forge.push({})
  await modeIs('webhook')
  const before = looksAt(forge)
  await until('three more looks have come', () => looksAt(forge) >= before + 3 * 2)
})

test.concurrent('a ping, a bad signature and a repository out of scope do not switch the mode', async ({ stage }) => {
  const { forge, service } = await polling(stage, { kind: 'github' }, { webhook: undefined })
  const send = (event: string, payload: object, secret = forge.secret) =>
    deliver(`${service.publicUrl}/webhook/github`, { kind: 'github', event, payload, secret })

  const ping = await send('ping', { zen: 'Keep it logically awesome.', hook_id: 1 })
  expect(ping).toMatchObject({ status: 202, json: { status: 'ignored', reason: 'ping' } })
  const elsewhere = await send('workflow_job', aJobEvent({ repository: 'harbour/breakwater' }))
  expect(elsewhere).toMatchObject({ status: 202, json: { status: 'ignored', reason: 'scope' } })
  expect(await send('workflow_job', aJobEvent(), 'not-the-secret-of-anyone')).toMatchObject({ status: 401 })
  await service.look('github')
  expect(await service.instance('github')).toMatchObject({ mode: 'polling' })
  expect(await service.jobs()).toEqual([])

  const good = await send('workflow_job', aJobEvent({ repository: 'Harbour/LIGHTHOUSE' }))
  expect(good).toMatchObject({ status: 202, json: { status: 'accepted' } })
  await until('the mode has changed', async () => (await service.instance('github')).mode === 'webhook')
})

test.concurrent('a push is a nudge on a Forgejo without job events: it looks at once, and goes on polling', async ({
  stage,
}) => {
  const { forge, service, dispatcher } = await polling(stage, { kind: 'forgejo', version: 15 }, { poll_interval: '1h' })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const before = looksAt(forge)
  const [job] = forge.push({})
  await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
  expect(dispatcher.calls[0]?.job).toBe(`forgejo/${job?.id}`)
  expect(await service.instance('forgejo')).toMatchObject({ mode: 'polling' })
  await until('it has looked again, twice', () => looksAt(forge) >= before + 3)
  await stage.clock.sleep(10_000)
  expect(looksAt(forge)).toBe(before + 3)
  expect(dispatcher.calls).toHaveLength(1)
})

test.concurrent('without polling, the look at start finds what is queued, and the slow look goes on', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const [job] = forge.push({})
  const instance = forge.instance({ disable_polling: true, poll_interval: '1s', reconcile_interval: '10s' })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
  expect(dispatcher.calls[0]?.job).toBe(`gitea/${job?.id}`)
  expect(await service.instance('gitea')).toMatchObject({ mode: 'webhook_only' })
  const before = looksAt(forge)
  await until('the slow look has come', () => looksAt(forge) > before)
})

test.concurrent('with reconcile_interval 0 and no polling, only owed looks are left', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ labels: ['linux'], boot_timeout: '20s' }]
  const instance = forge.instance({ disable_polling: true, reconcile_interval: 0, targets })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the first look is over', async () => (await service.instance('gitea')).last_look !== null)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  const before = looksAt(forge)
  await stage.clock.sleep(15_000)
  expect(looksAt(forge)).toBe(before)
  expect(await service.instance('gitea')).toMatchObject({ next_look_at: null })

  forge.push({})
  await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
  expect(looksAt(forge)).toBe(before)
  // Nobody came in boot_timeout: a look is owed, and shows that the job still waits.
  await until('it is looked after', () => looksAt(forge) > before)
  await until('another runner is asked for', () => dispatcher.calls.length === 2)
})
