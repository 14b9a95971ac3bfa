import { expect } from 'vitest'
import { journey, type Stage } from './stage.ts'
import { say, started } from './staged-dispatcher.ts'
import { until } from './until.ts'

const test = journey()

async function aHarbour(stage: Stage, target: Record<string, unknown> = {}, dispatcherOptions: object = {}) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({
    dispatcher: { url: dispatcher.url, ...dispatcherOptions },
    instances: [forge.instance({ targets: [{ name: 'linux', labels: ['linux'], ...target }] })],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('gitea')
  return { forge, dispatcher, service }
}

test.concurrent('a job that is refused is asked for again after a while, and says why', async ({ stage }) => {
  const { forge, dispatcher, service } = await aHarbour(stage)
  dispatcher.behave((_, answer) => say(answer, 503, { error: 'no machines are left' }))
  const [job] = forge.push({})
  await until('it is refused twice', () => dispatcher.calls.length >= 2)
  const refused = await until('it is in back-off', async () => {
    const told = await service.job('gitea', job?.id ?? 0)
    return told.verdict === 'backoff' && told
  })
  expect(refused).toMatchObject({ reason: 'refused', dispatches: 0, until: expect.any(String) })
  // The newest may be asked for by now: the oldest has been refused for sure.
  const dispatch = (await service.list('dispatches')).at(-1)
  expect(dispatch).toMatchObject({
    state: 'refused',
    gone_reason: 'refused',
    reason: expect.stringMatching('no machines are left'),
  })

  dispatcher.behave((_, answer) => started(answer, 'cloud-1'))
  await until(
    'it is accepted',
    async () => (await service.metric('muster_dispatches_total', { outcome: 'accepted' })) === 1,
  )
  const made = dispatcher.calls.length
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(made)
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ verdict: 'covered', dispatches: 1 })
})

test.concurrent('a dispatcher that nobody reaches is a refusal', async ({ stage }) => {
  const { forge, dispatcher, service } = await aHarbour(stage)
  await dispatcher.close()
  forge.push({})
  const dispatch = await until('it is refused', async () => (await service.dispatches())[0])
  await until('it is settled', async () => (await service.dispatches()).at(-1)?.state === 'refused')
  expect(dispatch.job).not.toBeNull()
  expect((await service.dispatches()).at(-1)?.reason).toMatch(/ECONNREFUSED/)
})

test.concurrent('a call broken off after its first byte may have started a runner: nobody is asked again before boot_timeout', async ({
  stage,
}) => {
  const { forge, dispatcher, service } = await aHarbour(stage, { boot_timeout: '40s' })
  dispatcher.behave((_call, _answer, request) => void request.socket.destroy())
  const [job] = forge.push({})
  await until('its outcome is unknown', async () => (await service.dispatches())[0]?.state === 'unknown')
  await service.look('gitea')
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ verdict: 'covered' })
  dispatcher.behave((_, answer) => started(answer, 'cloud-2'))
  await stage.clock.sleep(20_000)
  expect(dispatcher.calls).toHaveLength(1)
  await until('it is asked again after boot_timeout', () => dispatcher.calls.length === 2)
  const [first, second] = (await service.dispatches()).sort((a, b) => a.intended_at.localeCompare(b.intended_at))
  expect(first).toMatchObject({ state: 'unknown', gone_reason: 'never_seen' })
  expect(Date.parse(second?.intended_at) - Date.parse(first?.sent_at)).toBeGreaterThanOrEqual(40_000)
})

test.concurrent('a runner of an unknown call that shows itself is tied, and nothing more is asked for', async ({
  stage,
}) => {
  const { forge, dispatcher, service } = await aHarbour(stage, { boot_timeout: '20s' })
  dispatcher.behave((_call, _answer, request) => void request.socket.destroy())
  forge.push({})
  await until('its outcome is unknown', async () => (await service.dispatches())[0]?.state === 'unknown')
  forge.take(forge.runner('it-came-after-all'))
  await until('it is tied', async () => (await service.dispatches())[0]?.runner === 'it-came-after-all')
  await stage.clock.sleep(25_000)
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(1)
})

test.concurrent('an idempotent dispatcher is asked again with the same key', async ({ stage }) => {
  const { forge, dispatcher } = await aHarbour(stage, {}, { idempotent: true })
  dispatcher.behave((_call, answer, request) =>
    dispatcher.calls.length < 3 ? void request.socket.destroy() : started(answer, 'cloud-1'),
  )
  forge.push({})
  await until('it is asked three times', () => dispatcher.calls.length === 3)
  expect(new Set(dispatcher.calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
})

test.concurrent('after three failures in a row the dispatcher counts as down, and is tried with one job at a time', async ({
  stage,
}) => {
  const { forge, dispatcher, service } = await aHarbour(stage, { max: 10 })
  dispatcher.behave((_, answer) => say(answer, 502, { error: 'down' }))
  forge.push(...Array.from({ length: 5 }, (_, index) => ({ name: `job-${index}` })))
  await until('five refusals', () => dispatcher.calls.length >= 5)
  const late = forge.push({ name: 'late' })[0]
  const verdict = async () => (await service.job('gitea', late?.id ?? 0)).verdict
  await until('a further job says that it is down', async () => (await verdict()) === 'dispatcher_down')
  const before = dispatcher.calls.length
  await until('it is probed', () => dispatcher.calls.length > before)
  expect(dispatcher.calls.length).toBe(before + 1)

  dispatcher.behave((call, answer) => started(answer, `cloud-${call.headers['idempotency-key']}`))
  await until('all six are served', async () => {
    const { length } = (await service.dispatches()).filter(({ state }) => state === 'accepted')
    return length === 6
  })
  await service.look('gitea')
  expect((await service.jobs()).map((job) => job.verdict)).toEqual(Array(6).fill('covered'))
})

test.concurrent('a dispatcher that answers only when its runner has ended gets one request for one job', async ({
  stage,
}) => {
  const { forge, dispatcher, service } = await aHarbour(
    stage,
    { max: 1, boot_timeout: '5m', ttl: '20m' },
    { timeout: '2s' },
  )
  const ends: (() => void)[] = []
  dispatcher.behave((_, answer) => void ends.push(() => started(answer, `blocking-${ends.length}`)))
  const [first, second] = forge.push({ name: 'first' }, { name: 'second' })
  await until('it is asked', () => dispatcher.calls.length === 1)
  const working = forge.take(forge.runner('blocking-1'))
  expect(working?.id).toBe(first?.id)
  await until('the job runs', async () => (await service.job('gitea', first?.id ?? 0)).state === 'running')
  await stage.clock.sleep(5_000)
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(1)
  expect(await service.job('gitea', second?.id ?? 0)).toMatchObject({ verdict: 'full' })

  if (working) forge.finish(working)
  ends[0]?.()
  await until('the place is free and the second job is asked for', () => dispatcher.calls.length === 2)
  expect(dispatcher.calls.map(({ job }) => job)).toEqual([`gitea/${first?.id}`, `gitea/${second?.id}`])
  forge.take(forge.runner('blocking-2'))
  await stage.clock.sleep(5_000)
  ends[1]?.()
  await until('it is known to block', async () => (await service.list('dispatchers'))[0]?.blocking === true)
})
