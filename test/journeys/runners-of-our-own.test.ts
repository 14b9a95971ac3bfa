import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import type { RunningService } from '../support/service.ts'
import { dialects } from './dialects.ts'
import { journey, type Stage } from './stage.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

// Real processes take real time, so the clock is not too quick for them.
const test = journey(4)

const runner = fileURLToPath(new URL('../../src/simulation/runner.ts', import.meta.url))
const versions = [{ kind: 'forgejo', version: 15 }, { kind: 'gitea', version: '1.26' }, { kind: 'github' }] as const

interface Yard {
  forge: StagedForge
  service: RunningService
  restart(): Promise<RunningService>
  /** Reloads with other options of the dispatcher. */
  reload(options: object): Promise<void>
}

/** One forge and the process dispatcher with the stand-in of its runner. */
async function aYard(stage: Stage, version: ForgeVersion, target: object = {}, instance: object = {}): Promise<Yard> {
  const forge = await stage.forge(version)
  const work_dir = join(stage.folder, 'work')
  const targets = [{ name: 'linux', labels: ['linux:host'], idle_timeout: '10m', ...target }]
  if (version.kind === 'github') Object.assign(targets[0] ?? {}, { labels: ['linux'] })
  const configured = (options: object) => ({
    dispatchers: { default: { kind: 'process', command: [execPath, runner], work_dir, ...options } },
    instances: [forge.instance({ targets, ...instance })],
  })
  const configuration = configured({})
  const service = await stage.start(configuration)
  // What outlives the service ends with its forge, and a test leaves nobody behind.
  stage.onEnd(() => until('no runner is left', () => forge.runners.length === 0))
  stage.onEnd(() => forge.runners.forEach((one) => void forge.world.runners.remove(one)))
  return {
    forge,
    service,
    restart: () => stage.start(configuration),
    async reload(options) {
      await service.rewrite(configured(options))
      expect(await service.post('reload')).toMatchObject({ status: 200 })
    },
  }
}

function idleRunners(forge: StagedForge) {
  return forge.runners.filter(({ jobId, contactAt }) => jobId === null && contactAt !== null)
}

test.concurrent.for(dialects)(
  'a job queued on $name is run by a runner that is started for it, and nothing is left',
  async ({ version, namesRunners, listsRunners }, { stage }) => {
    const { forge, service } = await aYard(stage, version)
    await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
    const [job] = forge.push({ seconds: 0.2 })
    await until('the job has run', () => job?.conclusion === 'success')
    expect(job?.runner?.name).toMatch(/^muster-[0-9a-v]{16}$/)
    await until('it is known', async () => (await service.job(forge.kind, job?.id ?? 0)).state === 'finished')
    await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)
    const told = namesRunners ? job?.runner?.name : null
    expect(await service.job(forge.kind, job?.id ?? 0)).toMatchObject({ runner: told, dispatches: 1 })
    expect(await service.dispatches()).toEqual([
      expect.objectContaining({ state: 'accepted', runner: job?.runner?.name }),
    ])
    expect(forge.world.ground.runners.size).toBe(1)
    // Before it knew ephemeral runners, Forgejo kept the registration of one that had ended.
    if (listsRunners) expect(forge.runners).toEqual([])
  },
)

test.concurrent.for([
  ['other options', { env: { GREETING: 'hello' } }],
  ['another folder', { work_dir: 'elsewhere' }],
] as const)('a dispatcher that gets %s lets its runners work on to their end', async ([, options], { stage }) => {
  const { forge, service, reload } = await aYard(stage, { kind: 'gitea', version: '1.26' })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [first] = forge.push({ seconds: 3 })
  await until('it runs', () => first?.runner != null)
  await reload('work_dir' in options ? { work_dir: join(stage.folder, options.work_dir) } : options)
  const [second] = forge.push({ seconds: 0.2 })
  for (const job of [first, second]) await until('the job has run', () => job?.conclusion === 'success')
  await until('every place is free', async () => (await service.list('dispatches?live=true')).length === 0)
  const rows = await service.dispatches()
  expect(rows.map(({ gone_reason }) => gone_reason)).toEqual(['not_running', 'not_running'])
  expect(forge.world.ground.runners.size).toBe(2)
})

test.concurrent.for(['polling', 'webhook', 'webhook_only'])(
  'min_idle is kept in the mode %s, also after its runner is taken',
  async (mode, { stage }) => {
    const over = {
      polling: { webhook: undefined, webhook_secret: undefined },
      webhook: { reconcile_interval: '1h' },
      webhook_only: { disable_polling: true, reconcile_interval: '1h' },
    }[mode]
    const { forge, service } = await aYard(stage, { kind: 'gitea', version: '1.26' }, { min_idle: 1, max: 3 }, over)
    const warm = await until('one waits', () => idleRunners(forge)[0])
    await service.look('gitea')
    expect(await service.dispatches()).toEqual([expect.objectContaining({ job: null })])

    const [job] = forge.push({ seconds: 3 })
    await until('it is taken', () => job?.runner?.name === warm.name)
    await until('its place is filled', () => idleRunners(forge).some(({ name }) => name !== warm.name))
    await service.look('gitea')
    expect(await service.dispatches()).toHaveLength(2)
    expect(await service.instance('gitea')).toMatchObject({ mode })
    await until('the job has run', () => job?.conclusion === 'success')
    await service.look('gitea')
    expect(await service.dispatches()).toHaveLength(2)
  },
)

test.concurrent.for(versions)(
  'a runner that nobody needs on $kind is taken from the forge and ended',
  async (version, { stage }) => {
    const { forge, service } = await aYard(stage, version, { idle_timeout: '8s' })
    const [job] = forge.push({})
    // Somebody else takes the job, or it is cancelled: its runner comes all the same.
    const dispatch = await until('it is asked for', async () => (await service.dispatches())[0])
    forge.world.jobs.cancel(job?.id ?? 0)
    await until('its runner has come', () => forge.world.ground.runners.size === 1)
    await until('it is gone from the forge', () => forge.runners.length === 0)
    await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)
    expect(await service.dispatches()).toEqual([
      expect.objectContaining({ id: dispatch.id, gone_at: expect.any(String) }),
    ])
    await service.look(forge.kind)
    expect(forge.world.ground.runners.size).toBe(1)
  },
)

test.concurrent('a runner that works longer than its ttl is ended', async ({ stage }) => {
  const { forge, service } = await aYard(stage, { kind: 'github' }, { ttl: '20s', boot_timeout: '15s' })
  const [job] = forge.push({ seconds: 3_600 })
  await until('it works', () => job?.status === 'running')
  await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)
  expect((await service.dispatches())[0]).toMatchObject({ gone_reason: 'not_running' })
})

test.concurrent('runners are found again after a restart, and nothing is started twice', async ({ stage }) => {
  const { forge, service, restart } = await aYard(stage, { kind: 'gitea', version: '1.26' }, { min_idle: 1 })
  const [busy] = forge.push({ seconds: 4 })
  await until('one works and one waits', () => busy?.status === 'running' && idleRunners(forge).length === 1)
  const names = forge.runners.map(({ name }) => name)
  await service.stop()
  expect(forge.runners.map(({ name }) => name)).toEqual(names)

  const again = await restart()
  await again.look('gitea')
  expect(forge.runners.map(({ name }) => name)).toEqual(names)
  expect((await again.list('dispatches?live=true')).map(({ runner }) => runner).sort()).toEqual(names.sort())
  await until('the job has run to its end', () => busy?.conclusion === 'success')
  await until('one place is free', async () => (await again.list('dispatches?live=true')).length === 1)
  await again.look('gitea')
  expect(idleRunners(forge)).toHaveLength(1)
  expect(await again.dispatches()).toHaveLength(2)
})
