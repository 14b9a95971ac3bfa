import { expect } from 'vitest'
import type { Status } from '../../src/commands/status-facts.ts'
import { muster, written } from './muster-process.ts'
import { journey, type Stage } from './stage.ts'
import { until } from './until.ts'

const test = journey(1)

async function aService(stage: Stage, admin: object = {}) {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ name: 'linux', labels: ['linux'], max: 1 }]
  const service = await stage.start({
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets })],
    admin: { listen: '127.0.0.1:0', ...admin },
  })
  return { forge, dispatcher, service }
}

test('muster status tells what the service is at, for people and for machines', async ({ stage }) => {
  const { forge, dispatcher, service } = await aService(stage)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.push({}, { name: 'second' })
  await until('a runner is asked for', () => dispatcher.calls.length === 1)
  await until('the second is full', async () => (await service.jobs()).some(({ verdict }) => verdict === 'full'))

  const forPeople = muster(stage, 'status', '--url', service.adminUrl)
  const forMachines = muster(stage, 'status', '--json', '--url', service.adminUrl)
  expect([await forPeople.ended, forPeople.stderr]).toEqual([0, ''])
  expect(forPeople.stdout).toMatch(/^Instances\n {2}gitea {2}gitea .* webhook .*good/m)
  expect(forPeople.stdout).toMatch(/gitea\/linux +░{20} +0 +0 +1 +2 +1$/m)
  expect(forPeople.stdout).toMatch(/^2 jobs wait; nothing covers gitea\/\d+/m)
  expect(forPeople.stdout).not.toContain('\x1b')

  expect(await forMachines.ended).toBe(0)
  const status: Status = JSON.parse(forMachines.stdout)
  expect(status).toMatchObject({
    instances: [{ name: 'gitea', health: 'good', paused: false }],
    targets: [{ instance: 'gitea', name: 'linux', live: 1, jobs: { queued: 2 }, runners: { booting: 1 } }],
    dispatchers: [{ name: 'default', live: 1, breaker: { state: 'closed' } }],
    waiting: [{ verdict: 'covered' }, { verdict: 'full', sentence: expect.stringContaining('full') }],
    oldest_uncovered_job: { instance: 'gitea', id: status.waiting[1]?.id },
  })
})

test('muster status --watch tells each change, and ends with 0 when it is asked to', async ({ stage }) => {
  const { forge, service } = await aService(stage)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const watch = muster(stage, 'status', '--watch', '--json', '--url', service.adminUrl)
  const last = () => JSON.parse(watch.stdout.trim().split('\n').at(-1) || 'null') as Status | null
  await until('it has begun', () => last()?.instances.length === 1)
  await service.post('instances/gitea/pause')
  await until('the pause is told', () => last()?.instances[0]?.pause?.by === 'local')
  forge.push({})
  await until('the job is told', () => last()?.waiting[0]?.verdict === 'paused')
  watch.child.kill('SIGTERM')
  expect(await watch.ended).toBe(0)
  expect(watch.stderr).toBe('')
}, 60_000)

test('a service that goes away is waited for, and told again when it is back', async ({ stage }) => {
  const { forge, dispatcher, service } = await aService(stage)
  const admin = { listen: new URL(service.adminUrl).host }
  const watch = muster(stage, 'status', '--watch', '--json', '--url', service.adminUrl)
  await until('it has begun', () => watch.stdout !== '')
  await service.stop()
  await until('it says so', () => watch.stderr.includes(`no muster answers at ${service.adminUrl}`))
  await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()], admin })
  const lines = watch.stdout.split('\n').length
  await until('it is told again', () => watch.stdout.split('\n').length > lines)
  watch.child.kill('SIGINT')
  expect(await watch.ended).toBe(0)
}, 60_000)

test('who asks where nobody is, or asks wrongly, is told what to do', async ({ stage }) => {
  const nobody = muster(stage, 'status', '--url', `http://127.0.0.1:${stage.port}`)
  const wrong = muster(stage, 'status', '--url', 'muster')
  await written(stage, 'instances: 7\n', 'broken.yaml')
  const broken = muster(stage, 'status', '--config', 'broken.yaml')
  expect([await nobody.ended, await wrong.ended, await broken.ended]).toEqual([1, 64, 78])
  expect(nobody.stderr).toContain('no muster answers at')
  expect(wrong.stderr).toContain('--url: expected')
  expect(broken.stderr).toContain('broken.yaml:1')
})
