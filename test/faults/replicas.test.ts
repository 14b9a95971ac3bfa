import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, vi } from 'vitest'
import { parse } from 'yaml'
import { type MusterProcess, musterIn, written } from '../journeys/muster-process.ts'
import { journey, type Stage } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { postgresServer } from '../support/postgres.ts'
import { aTown, nothing, type Town } from './town.ts'

const test = journey(1)
vi.setConfig({ testTimeout: 180_000 })
const server = await postgresServer()

/** Longer than a lease lasts; it is not renewed meanwhile. */
const longerThanALease = 14_000

/** Two processes on one database: the first works the instance, the second takes the webhooks. */
async function twoReplicas(stage: Stage, name: string) {
  const town = await aTown(stage, { name, configuration: { state: await server?.newDatabase() } })
  const first = await replica(stage, 'first', '127.0.0.1:0')
  await until('the first works the instance', () => leads(first))
  const second = await replica(stage, 'second', `127.0.0.1:${stage.port}`)
  await town.hooked()
  return { town, first, second }
}

async function replica(stage: Stage, name: string, listen: string): Promise<MusterProcess> {
  const configuration = parse(await readFile(join(stage.folder, 'autoscaler.yaml'), 'utf8'))
  const file = await written(stage, { ...configuration, listen }, `${name}.yaml`)
  const run = musterIn(stage, { args: ['serve', '--config', file] })
  await run.ready()
  return run
}

async function leads(run: MusterProcess): Promise<boolean> {
  const { adminUrl } = await run.ready()
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return /^muster_lease\{[^}]*\} 1$/m.test(text)
}

async function served(town: Town, jobs: number): Promise<void> {
  for (let job = 0; job < jobs; job++) town.push()
  await until('every job runs', () => town.waiting === 0)
}

async function ended(run: MusterProcess): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
}

describe.skipIf(server === null)('replicas on one database', () => {
  test('any of them takes webhooks, and the one that works the instance hears of it at once', async ({ stage }) => {
    const { town, first, second } = await twoReplicas(stage, 'replicas-any')
    await served(town, 5)
    expect(await leads(second)).toBe(false)
    expect(town.forge.world.ground.hooks.size).toBe(1)
    expect(town.judge(await town.settled(second))).toEqual(nothing)
    expect(town.starts).toHaveLength(5)
    await ended(first)
    await ended(second)
  })

  test('another takes over when the one that works the instance is killed, and nothing is lost or doubled', async ({
    stage,
  }) => {
    const { town, first, second } = await twoReplicas(stage, 'replicas-killed')
    const third = await replica(stage, 'third', '127.0.0.1:0')
    await served(town, 3)
    for (let job = 0; job < 5; job++) town.push()
    first.child.kill('SIGKILL')
    await until('another works the instance', async () => (await leads(second)) || leads(third))
    await served(town, 2)
    expect((await Promise.all([second, third].map(leads))).filter(Boolean)).toHaveLength(1)
    expect(town.judge(await town.settled(third))).toEqual(nothing)
    await ended(second)
    await ended(third)
  })

  test('one that is stopped gives its instances up at once', async ({ stage }) => {
    const { town, first, second } = await twoReplicas(stage, 'replicas-ended')
    await ended(first)
    await until('the other works the instance', () => leads(second))
    await served(town, 2)
    expect(town.judge(await town.settled(second))).toEqual(nothing)
    await ended(second)
  })

  test('one that stood still while another took over writes and starts nothing when it wakes', async ({ stage }) => {
    const { town, first, second } = await twoReplicas(stage, 'replicas-woken')
    await served(town, 2)
    // Whatever it was about to do is still before it.
    for (let job = 0; job < 3; job++) town.push()
    first.child.kill('SIGSTOP')
    await delay(longerThanALease)
    await until('the other works the instance', () => leads(second))
    await until('every job runs', () => town.waiting === 0)
    first.child.kill('SIGCONT')
    await until('it knows that it leads no more', () => /stands by|took this instance over/.test(first.stderr))
    await served(town, 2)
    expect(await leads(first)).toBe(false)
    expect(town.judge(await town.settled(second))).toEqual(nothing)
    await ended(first)
    await ended(second)
  })
})
