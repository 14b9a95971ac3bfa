import { expect } from 'vitest'
import type { RunningService } from '../support/service.ts'
import { aBegunDelivery, aJobEvent } from './hand-made-delivery.ts'
import { journey, type Stage } from './stage.ts'
import type { StagedDispatcher } from './staged-dispatcher.ts'
import { started } from './staged-dispatcher.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

const test = journey()

interface Scene {
  forge: StagedForge
  dispatcher: StagedDispatcher
  service: RunningService
  /** Writes the configuration with these differences, and reloads it. */
  reload(over: object, instance?: object): Promise<{ status: number; json: Record<string, unknown> }>
}

const targets = [{ name: 'linux', labels: ['linux'] }]

/** One Gitea and one dispatcher that accepts everything; the webhook is made and the first look is over. */
async function aScene(stage: Stage, over: object = {}): Promise<Scene> {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const configuration = (over: object, instance: object = {}) => ({
    dispatchers: { default: { url: dispatcher.url } },
    instances: [forge.instance({ targets, poll_interval: '30s', reconcile_interval: '5m', ...instance })],
    ...over,
  })
  const service = await stage.start(configuration(over))
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  return {
    forge,
    dispatcher,
    service,
    async reload(over, instance) {
      await service.rewrite(configuration(over, instance))
      return service.post('reload')
    },
  }
}

/** Lines of the metrics that show how it is, and do not count what was. */
async function gauges({ adminUrl }: RunningService): Promise<string[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  const names = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name)
  return text.split('\n').filter((line) => names.some((name) => line.startsWith(`${name}{`)))
}

const askedFor = ({ dispatcher }: Scene) => dispatcher.calls.map(({ job }) => job)

test.concurrent('a reload serves jobs that no target fitted before, and tells what is different', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const [job] = forge.push({ labels: ['gpu'] })
  await until('it is unmatched', async () => (await service.job('gitea', job!.id)).verdict === 'unmatched')
  // The target is found for what is known already: no look can tell of it.
  forge.temper = 'fails'
  const gpu = { name: 'gpu', labels: ['gpu'], dispatcher: 'default' }
  const { status, json } = await scene.reload({}, { targets: [{ ...targets[0], max: 3 }, gpu] })
  expect({ status, json }).toEqual({
    status: 200,
    json: {
      changes: [
        { what: 'changed', path: 'instances.gitea.targets.linux.max', from: 20, to: 3 },
        { what: 'added', path: 'instances.gitea.targets.gpu', from: null, to: null },
      ],
      restart_needed: [],
    },
  })
  await until('its runner is asked for', () => askedFor(scene).includes(`gitea/${job!.id}`))
  expect(await service.list('targets')).toMatchObject([{ name: 'linux', max: 3 }, { name: 'gpu' }])
  const told = (await service.list('events')).find(({ type }) => type === 'config_reloaded')
  expect(told?.detail).toMatchObject({
    by: 'local',
    changes: 'instances.gitea.targets.linux.max: 20 → 3; instances.gitea.targets.gpu added',
  })
  expect(await service.metric('muster_config_reload_ok')).toBe(1)
  expect(await service.metric('muster_config_reloads_total', { result: 'adopted' })).toBe(1)
})

test.concurrent('a bad configuration is refused with all that is wrong, and changes nothing', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const { status, json } = await scene.reload({ owner: '', nonsense: 1 }, { targets: [{ labels: ['linux'], max: 0 }] })
  expect(status).toBe(422)
  expect(json.errors).toMatchObject([{ path: 'instances[0].targets[0].max' }, { path: 'owner' }, { path: 'nonsense' }])
  for (const { at } of json.errors as { at: string }[]) expect(at).toMatch(/autoscaler\.yaml:\d+:\d+$/)
  expect(await service.metric('muster_config_reload_ok')).toBe(0)
  await service.rewrite('instances: [')
  expect(await service.post('reload')).toMatchObject({ status: 422 })
  expect(await service.list('targets')).toMatchObject([{ name: 'linux', max: 20 }])
  const [job] = forge.push({})
  await until('it goes on as before', () => askedFor(scene).includes(`gitea/${job!.id}`))
  expect(await scene.reload({})).toMatchObject({ status: 200, json: { changes: [] } })
  expect(await service.metric('muster_config_reload_ok')).toBe(1)
})

test.concurrent('a dispatcher that cannot be made changes nothing either', async ({ stage }) => {
  const scene = await aScene(stage)
  const { status, json } = await scene.reload({
    dispatchers: { default: { url: scene.dispatcher.url }, here: { kind: 'process', user: 'nobody-is-called-so' } },
  })
  expect(status).toBe(422)
  expect(json.errors).toMatchObject([{ at: null, message: expect.stringContaining('nobody-is-called-so') }])
  expect(await scene.service.list('dispatchers')).toMatchObject([{ name: 'default' }])
})

test.concurrent('what needs a restart is told and keeps its old value; the rest is taken up', async ({ stage }) => {
  const scene = await aScene(stage)
  const { status, json } = await scene.reload(
    { owner: 'another', listen: '127.0.0.1:1', dispatchers: { default: { kind: 'command', command: ['true'] } } },
    { targets: [{ ...targets[0], max: 7 }] },
  )
  expect(status).toBe(200)
  expect(json.restart_needed).toEqual(['listen', 'owner', 'dispatchers.default.kind'])
  const [job] = scene.forge.push({})
  await until('webhooks come in as before', () => askedFor(scene).includes(`gitea/${job!.id}`))
  expect(await scene.service.list('targets')).toMatchObject([{ max: 7 }])
})

test.concurrent('the mode that webhooks earned, and what the forge can do, outlive a reload', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const mode = async () => (await service.instance('gitea')).mode
  forge.push({})
  await until('webhooks are trusted', async () => (await mode()) === 'webhook')
  const probes = () => forge.requests.filter((one) => one.includes('/version')).length
  const before = probes()
  await scene.reload({}, { poll_interval: '20s', targets: [{ ...targets[0], ttl: '30m' }] })
  await service.look('gitea')
  expect(await mode()).toBe('webhook')
  expect(probes()).toBe(before)
  expect(await service.metric('muster_mode', { mode: 'webhook' })).toBe(1)

  await scene.reload({}, { disable_polling: true })
  await until('it is told to poll no more', async () => (await mode()) === 'webhook_only')
  await scene.reload({}, {})
  await until('webhooks, which it trusts, are enough', async () => (await mode()) === 'webhook')
})

test.concurrent('a target that is removed gets no new runner, and the runner that it has is let be', async ({
  stage,
}) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const [first] = forge.push({})
  await until('its runner is asked for', () => askedFor(scene).length === 1)
  const runner = forge.runner('cloud-1')
  forge.take(runner)
  await service.look('gitea')
  await scene.reload({}, { targets: [{ name: 'other', labels: ['other'] }] })
  const [second] = forge.push({})
  await until('a job of it is unmatched', async () => (await service.job('gitea', second!.id)).verdict === 'unmatched')
  expect(await service.job('gitea', first!.id)).toMatchObject({ verdict: 'running' })
  expect(await service.list('dispatches?live=true')).toMatchObject([{ target: 'linux', runner: 'cloud-1' }])
  expect(forge.writes.filter((one) => one.startsWith('DELETE'))).toEqual([])
  forge.finish(first!)
  await until('its slot is free', async () => (await service.list('dispatches?live=true')).length === 0)
  expect(askedFor(scene)).toHaveLength(1)
})

test.concurrent('runners of an instance that is removed count at their dispatcher until they are gone', async ({
  stage,
}) => {
  const scene = await aScene(stage)
  const { forge, dispatcher, service } = scene
  const other = await stage.forge({ kind: 'gitea', version: '1.26' }, 'other')
  const limited = { dispatchers: { default: { url: dispatcher.url, max_parallel: 1 } } }
  const [first] = forge.push({})
  await until('its runner is asked for', () => askedFor(scene).length === 1)
  const runner = forge.runner('cloud-1')
  forge.take(runner)
  await service.look('gitea')
  const { json } = await scene.reload({ ...limited, instances: [other.instance({ targets })] })
  expect(json.changes).toMatchObject([
    { path: 'dispatchers.default.max_parallel' },
    { what: 'removed', path: 'instances.gitea' },
    { what: 'added', path: 'instances.other' },
  ])
  expect(await service.get('instances/gitea')).toMatchObject({ status: 404 })
  const answer = await fetch(`${service.publicUrl}/webhook/gitea`, { method: 'POST' })
  expect(answer.status).toBe(404)
  // Its webhook is not ours to take away: the instance may come back.
  expect(forge.world.ground.hooks.size).toBe(1)

  const [second] = other.push({})
  const verdict = async () => (await service.job('other', second!.id)).verdict
  await until('there is no room for another', async () => (await verdict()) === 'full')
  expect(askedFor(scene)).toEqual([`gitea/${first!.id}`])
  forge.finish(first!)
  await until('the room is free', () => askedFor(scene).includes(`other/${second!.id}`))
  await until('nothing works for it any more', () => !service.app.workers.has('gitea'))
  await until('no gauge shows it', async () => !(await gauges(service)).some((line) => line.includes('"gitea"')))
})

test.concurrent('a webhook secret is rotated without a lost delivery', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const next = stage.canaries.add('the-secret-that-comes-after-it')
  const { json } = await scene.reload({}, { webhook_secret: [next, forge.secret] })
  expect(json.changes).toEqual([{ what: 'changed', path: 'instances.gitea.webhook_secret', from: null, to: null }])
  // The log knows it from then on: what is said by mistake stays unread.
  service.app.log.info(`the next secret is ${next}`)
  expect(service.log.at(-1)).toContain('the next secret is ***')
  const [first] = forge.push({})
  await until('a job is announced', () => askedFor(scene).includes(`gitea/${first!.id}`))
  await until('the hook signs with the new one', () => [...forge.world.ground.hooks.values()][0]?.secret === next)
  await scene.reload({}, { webhook_secret: [next] })
  const [second] = forge.push({})
  await until('another is announced', () => askedFor(scene).includes(`gitea/${second!.id}`))
  expect(await service.metric('muster_deliveries_total', { result: 'unauthorized' })).toBe(0)
  expect(await service.metric('muster_webhooks_lost_total')).toBe(0)
})

test.concurrent('a delivery that is under way meanwhile is recorded, and its job finds its target by the new one', async ({
  stage,
}) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const body = JSON.stringify(aJobEvent({ labels: ['gpu'] }))
  const finish = await aBegunDelivery(`${service.publicUrl}/webhook/gitea`, forge.secret, body)
  await scene.reload({}, { targets: [{ name: 'gpu', labels: ['gpu'] }] })
  expect(await finish()).toBe(202)
  const { id } = JSON.parse(body).workflow_job
  await until('its runner is asked for', () => askedFor(scene).includes(`gitea/${id}`))
  expect(await service.job('gitea', id)).toMatchObject({ target: 'gpu' })
})

test.concurrent('with watch the file is taken up by itself, until it says otherwise', async ({ stage }) => {
  const scene = await aScene(stage, { watch: true })
  const { service, forge, dispatcher } = scene
  const file = (over: object, max: number) => ({
    dispatchers: { default: { url: dispatcher.url } },
    instances: [forge.instance({ targets: [{ ...targets[0], max }] })],
    ...over,
  })
  const max = async () => (await service.list('targets'))[0]?.max
  await service.rewrite(file({ watch: true }, 5))
  await until('it is taken up', async () => (await max()) === 5)
  await service.rewrite('nonsense')
  await until('a bad one is told', async () => (await service.metric('muster_config_reload_ok')) === 0)
  expect(await max()).toBe(5)
  await service.rewrite(file({ watch: false }, 6))
  await until('a good one is taken up again', async () => (await max()) === 6)
  await service.rewrite(file({ watch: true }, 7))
  await stage.clock.sleep(10_000)
  expect(await max()).toBe(6)
})

test.concurrent('a token that was rotated is in force at once', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, service } = scene
  const wrong = stage.canaries.add('a-token-that-the-forge-does-not-know')
  const lookedWell = async () => (await service.instance('gitea')).last_look?.complete
  await scene.reload({}, { gitea: { base_url: forge.url, token: wrong } })
  await until('it is refused', async () => (await lookedWell()) === false)
  await scene.reload({}, {})
  await until('it is let in', async () => (await lookedWell()) === true)
})

test.concurrent('a call under way goes on where it was made, and new ones go to the new address', async ({ stage }) => {
  const scene = await aScene(stage)
  const { forge, dispatcher, service } = scene
  const open: (() => void)[] = []
  dispatcher.behave((_, answer) => void open.push(() => started(answer, 'cloud-1')))
  const [first] = forge.push({})
  await until('the call is open', () => open.length === 1)
  const second = await stage.dispatcher()
  await scene.reload({ dispatchers: { default: { url: second.url } } })
  const [other] = forge.push({})
  await until('the new one is asked', () => second.calls.length === 1)
  expect(second.calls[0]?.job).toBe(`gitea/${other!.id}`)
  open[0]?.()
  await until('the answer of the old one is recorded', async () =>
    (await service.dispatches()).every(({ state }) => state === 'accepted'),
  )
  expect(dispatcher.calls.map(({ job }) => job)).toEqual([`gitea/${first!.id}`])
})

test.concurrent('what was not yet sent goes to the new address, and to it alone', async ({ stage }) => {
  const scene = await aScene(stage, {})
  const { forge, dispatcher, service } = scene
  const narrow = { dispatchers: { default: { url: dispatcher.url, launch_concurrency: 1, timeout: '10m' } } }
  await scene.reload(narrow)
  dispatcher.behave(() => undefined)
  const jobs = forge.push({}, {}, {})
  await until('all are written', async () => (await service.dispatches()).length === 3)
  await until('one is sent', () => dispatcher.calls.length === 1)
  const second = await stage.dispatcher()
  await scene.reload({ dispatchers: { default: { url: second.url } } })
  await until('the others go to the new one', () => second.calls.length === 2)
  const all = [...dispatcher.calls, ...second.calls].map(({ job }) => job)
  expect(all.sort()).toEqual(jobs.map(({ id }) => `gitea/${id}`).sort())
  const unsent = (await service.dispatches()).filter(({ gone_reason }) => gone_reason === 'never_sent')
  expect(unsent).toHaveLength(2)
})
