import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { journey } from './stage.ts'
import { until } from './until.ts'

const test = journey(5)

const reloads = 1_000
/** Of the busy one. */
const jobs = reloads / 8
/** The largest `max` of any configuration of the storm. */
const most = 10

test('a reload storm breaks no promise', { timeout: 240_000 }, async ({ stage }) => {
  const busy = await stage.forge({ kind: 'gitea', version: '1.26' }, 'busy')
  const calm = await stage.forge({ kind: 'github' }, 'calm')
  const ill = await stage.forge({ kind: 'gitea', version: '1.26' }, 'ill')
  const cloud = await stage.cloud(busy, { boot: 500 })
  const fair = await stage.cloud(calm, { boot: 500 })
  const hanging = await stage.dispatcher()
  hanging.behave(() => undefined)
  const rotated = stage.canaries.add('the-other-secret-of-the-busy-one')
  const file = join(stage.folder, 'secret')
  await writeFile(file, stage.canaries.add('the-secret-of-a-guest'))

  const guest = {
    ...ill.instance({ targets: [{ labels: ['linux'], dispatcher: 'hanging' }] }),
    name: 'guest',
    webhook: undefined,
    webhook_secret: undefined,
    webhook_secret_file: file,
  }
  const beats = { poll_interval: '10s', reconcile_interval: '60s' }
  // Each number is another configuration: everything changes that can, and one in ten is bad.
  const configuration = (n: number) => ({
    dispatchers: {
      cloud: {
        // The path is another one each time, and so is the dispatcher: it drains a thousand times.
        url: `${cloud.url}/${n}`,
        launch_concurrency: 1 + (n % 4),
        timeout: `${10 + (n % 3)}s`,
        ...(n % 2 && { max_parallel: most }),
      },
      fair: { url: fair.url },
      hanging: { url: hanging.url, launch_concurrency: 1 + (n % 2) },
      ...(n % 5 === 0 && { guest: { kind: 'command', command: ['true'] } }),
    },
    instances: [
      busy.instance({
        ...beats,
        poll_interval: `${10 + (n % 3)}s`,
        webhook_secret: n % 2 ? [busy.secret, rotated] : [rotated, busy.secret],
        targets: [
          { name: 'linux', labels: ['linux'], dispatcher: 'cloud', max: n % 3 ? most : 4, ttl: `${20 + (n % 2)}m` },
          ...(n % 4 ? [{ name: `extra-${n % 4}`, labels: ['extra'], dispatcher: 'fair' }] : []),
        ],
      }),
      calm.instance({
        ...beats,
        targets: [{ name: 'linux', labels: ['linux'], dispatcher: 'fair', max: 50 + (n % 2) }],
      }),
      ill.instance({ ...beats, targets: [{ name: 'linux', labels: ['linux'], dispatcher: 'hanging' }] }),
      ...(n % 3 === 0 ? [guest] : []),
    ],
    ...(n % 10 === 9 && { nonsense: n }),
  })

  const service = await stage.start(configuration(0))
  await until('both webhooks are made', () => [busy, calm].every(({ world }) => world.ground.hooks.size === 1))
  await Promise.all([service.look('busy'), service.look('calm')])
  ill.temper = 'hangs'

  let largest = 0
  const results = { adopted: 0, refused: 0 }
  for (let n = 1; n <= reloads; n++) {
    await service.rewrite(configuration(n))
    results[service.app.reload('storm').kind]++
    if (n % 8 === 0) busy.push({ seconds: 2 })
    if (n % 80 === 0) calm.push({})
    if (n % 200 === 0) ill.push({})
    largest = Math.max(largest, cloud.alive.length)
    await delay(1)
  }
  expect(results).toEqual({ adopted: 900, refused: 100 })

  for (const { world } of [busy, calm])
    await until('every job has run', () => [...world.ground.jobs.values()].every(({ status }) => status === 'done'))
  // One demand, one runner: nothing was asked for twice, and nothing was left out.
  const asked = cloud.calls.map(({ job }) => job)
  expect([...new Set(asked)]).toHaveLength(asked.length)
  expect(asked).toHaveLength(jobs)
  expect(new Set(fair.calls.map(({ job }) => job)).size).toBe(fair.calls.length)
  expect(fair.calls).toHaveLength(Math.floor(reloads / 80))
  expect(largest).toBeGreaterThan(0)
  expect(largest).toBeLessThanOrEqual(most)
  // Each delivery was taken, whichever secret signed it.
  for (const result of ['unauthorized', 'invalid', 'unavailable'])
    expect(await service.metric('muster_deliveries_total', { result })).toBe(0)
  expect(await service.metric('muster_webhooks_lost_total')).toBe(0)
  // Nothing of a thousand configurations is left over.
  await service.rewrite(configuration(1))
  service.app.reload('storm')
  expect([...service.app.workers.keys()].sort()).toEqual(['busy', 'calm', 'ill'])
  expect((await service.list('dispatchers')).map(({ name }) => name)).toEqual(['cloud', 'fair', 'hanging'])
})
