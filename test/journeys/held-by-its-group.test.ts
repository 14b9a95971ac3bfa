import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { SimulatedJob } from '../../src/simulation/state.ts'
import { journey } from './stage.ts'
import { jobLabels, type StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

// A quarter of an hour in four seconds.
const test = journey(240)
// Real processes take real time.
const withProcesses = journey(4)

const runner = fileURLToPath(new URL('../../src/simulation/runner.ts', import.meta.url))

/** Two deployments that may not run at once: the first takes half an hour, and Forgejo lists the second as waiting all the while. */
function deployTwice({ world, kind }: StagedForge): [SimulatedJob, SimulatedJob] {
  const push = (name: string, seconds: number) => {
    const jobs = [{ name, labels: jobLabels(kind), seconds }]
    const run = world.jobs.push({ repository: 'harbour/lighthouse', group: 'deploy', jobs })
    return world.jobs.ofRun(run.id)[0]!
  }
  return [push('first', 1_800), push('second', 1)]
}

test.concurrent.for([14, 15, 16, 17] as const)(
  'a job that its group holds back on Forgejo %s gets few runners, and one when it may run',
  async (version, { stage }) => {
    const forge = await stage.forge({ kind: 'forgejo', version })
    const cloud = await stage.cloud(forge, { patience: 4 * 60_000 })
    const targets = [{ name: 'linux', labels: ['linux'], ttl: '10m', boot_timeout: '2m' }]
    const instance = forge.instance({ poll_interval: '30s', reconcile_interval: '5m', targets })
    const service = await stage.start({ dispatcher: { url: cloud.url }, instances: [instance] })
    const [first, held] = deployTwice(forge)
    await until('the first runs', () => first.status === 'running')
    await stage.clock.sleep(25 * 60_000)
    expect(first.status).toBe('running')
    // One for the first; a round gets three in its `ttl`, and one more each time that its age has doubled.
    expect(cloud.calls.length).toBeGreaterThan(2)
    expect(cloud.calls.length).toBeLessThanOrEqual(1 + 4)
    expect((await service.job('forgejo', held.id)).verdict).toMatch(/stuck|backoff|covered/)
    await until('its turn has come', () => held.conclusion)
    await until('nothing is left', async () => (await service.list('dispatches?live=true')).length === 0)
    expect(held.conclusion).toBe('success')
    expect(cloud.calls.length).toBeLessThanOrEqual(1 + 5)
  },
)

withProcesses.concurrent(
  'a runner that is bound to a job held back is ended when it idled too long, and the job backs off',
  async ({ stage }) => {
    const forge = await stage.forge({ kind: 'forgejo', version: 15 })
    const targets = [{ name: 'linux', labels: ['linux:host'], idle_timeout: '8s' }]
    const instance = forge.instance({ targets })
    const command = [execPath, runner]
    const service = await stage.start({
      dispatchers: { default: { kind: 'process', command, work_dir: join(stage.folder, 'work') } },
      instances: [instance],
    })
    stage.onEnd(() => until('no runner is left', () => forge.runners.length === 0))
    stage.onEnd(() => forge.runners.forEach((one) => void forge.world.runners.remove(one)))
    const [first, held] = deployTwice(forge)
    await until('the first runs', () => first.status === 'running')
    await until('the held one backs off', async () => {
      const { verdict, reason } = await service.job('forgejo', held.id)
      return verdict === 'backoff' && reason === 'idled_out'
    })
    await until('nobody waits for it', () => forge.runners.every(({ jobId }) => jobId === first.id))
    const rows = (await service.dispatches()).filter(({ job }) => job?.id === String(held.id))
    expect(rows).toEqual([expect.objectContaining({ gone_at: expect.any(String) })])
  },
)
