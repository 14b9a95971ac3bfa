import { expect } from 'vitest'
import { type Dialect, dialects } from './dialects.ts'
import { journey, type Stage } from './stage.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

// An hour in six seconds.
const test = journey(600)
const hour = 60 * 60_000

/** What a forge whose webhooks work may be asked in an hour in which nothing happens. */
const most = 30

/** A service with the usual beats, a job that came by webhook and is over, and nothing to do any more. */
async function afterWork(stage: Stage, { version }: Dialect, instance: Record<string, unknown> = {}) {
  const forge = await stage.forge(version)
  const cloud = await stage.cloud(forge)
  const usual = { poll_interval: '30s', reconcile_interval: '5m', webhook_grace: '60s' }
  const targets = [{ name: 'linux', labels: ['linux'], ttl: '3m', boot_timeout: '1m' }]
  const service = await stage.start({
    dispatcher: { url: cloud.url },
    instances: [forge.instance({ ...usual, targets, ...instance })],
  })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look(forge.kind)
  const [job] = forge.push({ seconds: 30 })
  await until('it has run', () => job?.conclusion === 'success')
  await until('webhooks work', async () => (await service.instance(forge.kind)).mode !== 'polling')
  await until('its place is free', async () => (await service.list('dispatches?live=true')).length === 0)
  // What was owed after the job has been looked at by then.
  await stage.clock.sleep(10 * 60_000)
  return forge
}

/** What is asked in an hour: how often each path, its numbers left out. */
async function anHourOf(stage: Stage, forge: StagedForge): Promise<Record<string, number>> {
  const before = forge.requests.length
  await stage.clock.sleep(hour)
  const counts: Record<string, number> = {}
  for (const request of forge.requests.slice(before)) {
    const [call = ''] = request.replaceAll(/\/\d+/g, '/:n').split('?')
    counts[call] = (counts[call] ?? 0) + 1
  }
  return counts
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, one) => all + one, 0)
}

const telling = dialects.filter(({ tells }) => tells)
const githubs = dialects.filter(({ version }) => version.kind === 'github')

test.concurrent.for(telling)('an idle instance asks $name at most 30 times an hour', async (dialect, { stage }) => {
  const asked = await anHourOf(stage, await afterWork(stage, dialect))
  expect(sum(asked), JSON.stringify(asked)).toBeLessThanOrEqual(most)
  // It does look: at least its runners, at nearly every beat.
  expect(sum(asked)).toBeGreaterThanOrEqual(10)
})

test.concurrent.for(githubs)(
  'of $name a quiet beat reads what was delivered and who runs, and each hour the webhook and one repository',
  async (dialect, { stage }) => {
    const asked = await anHourOf(stage, await afterWork(stage, dialect))
    const at = 'GET /api/v3/repos/harbour/lighthouse'
    const {
      [`${at}/hooks/:n/deliveries`]: delivered = 0,
      [`${at}/actions/runners`]: runners = 0,
      [`${at}/hooks`]: hooks = 0,
      [`${at}/actions/runs`]: runs = 0,
      ...more
    } = asked
    expect(more).toEqual({})
    // An hour that is not begun with a beat may hold twelve of them or thirteen.
    for (const beats of [delivered, runners]) expect(Math.abs(beats - 12)).toBeLessThanOrEqual(1)
    for (const hourly of [hooks, runs]) expect(hourly).toBeLessThanOrEqual(2)
  },
)

test.concurrent.for(githubs)(
  'an organization of forty repositories on $name costs no more than one',
  async (dialect, { stage }) => {
    const scope = { level: 'organization', owner: 'harbour' }
    const forge = await afterWork(stage, dialect, { scope })
    const { ground } = forge.world
    const [home] = ground.repositories.values()
    for (let index = 0; home && index < 38; index++) {
      const id = ground.next('repository')
      ground.repositories.set(id, { ...home, id, name: `pier-${index}` })
    }
    const asked = await anHourOf(stage, forge)
    expect(sum(asked), JSON.stringify(asked)).toBeLessThanOrEqual(most)
  },
)
