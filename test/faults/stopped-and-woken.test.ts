import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import type { MusterProcess } from '../journeys/muster-process.ts'
import { journey, type Stage } from '../journeys/stage.ts'
import { until } from '../journeys/until.ts'
import { aTown, nothing, service, type Town } from './town.ts'

const test = journey(1)
// Whole processes, on a machine that may have other things to do.
vi.setConfig({ testTimeout: 120_000 })
const disturb = fileURLToPath(new URL('./disturb.ts', import.meta.url))

/** Milliseconds for which a process does not run: several beats of its polling. A night takes longer. */
const pause = Number(process.env.MUSTER_FAULTS_PAUSE ?? 6_000)
/** Looks are at least so far apart, in milliseconds. */
const spacing = 2_000

/** A service that does at SIGUSR2 what it is told; answers how to tell it. */
function disturbable(town: Town, stage: Stage): { run: MusterProcess; disturb(what: string): void } {
  const file = join(stage.folder, 'disturbance')
  const run = service(town, { node: ['--import', disturb], env: { DISTURBANCE: file } })
  return {
    run,
    disturb(what) {
      writeFileSync(file, what)
      run.child.kill('SIGUSR2')
    },
  }
}

function looks({ forge }: Town): number {
  return forge.requests.filter((request) => /\/actions\/runners\b/.test(request)).length
}

/** Waits until every job has a runner, during which it may look no more often than it ever does. */
async function servedInPeace(town: Town): Promise<void> {
  const before = looks(town)
  const began = performance.now()
  await until('every job runs', () => town.waiting === 0)
  expect(looks(town) - before).toBeLessThanOrEqual(2 + (performance.now() - began) / spacing)
}

async function endedInPeace(run: MusterProcess): Promise<void> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
}

test.concurrent('stopped for a while and woken, it makes up for what it missed once, not beat by beat', async ({
  stage,
}) => {
  const town = await aTown(stage, { name: 'stopped' })
  const run = service(town)
  await run.ready()
  await town.hooked()
  town.push()
  await until('the job runs', () => town.waiting === 0)
  run.child.kill('SIGSTOP')
  for (let job = 0; job < 5; job++) town.push()
  await delay(pause)
  run.child.kill('SIGCONT')
  await servedInPeace(town)
  expect(town.judge(await town.settled(run))).toEqual(nothing)
  expect(town.starts).toHaveLength(6)
  await endedInPeace(run)
})

test.concurrent('with its event loop blocked for seconds, it asks for nothing twice', async ({ stage }) => {
  const town = await aTown(stage, { name: 'blocked' })
  const { run, disturb } = disturbable(town, stage)
  await run.ready()
  await town.hooked()
  disturb(`block ${pause}`)
  for (let job = 0; job < 5; job++) town.push()
  await servedInPeace(town)
  expect(town.judge(await town.settled(run))).toEqual(nothing)
  expect(town.starts).toHaveLength(5)
  await endedInPeace(run)
})

const hour = 3_600_000
const day = 24 * hour

test.concurrent.for([hour, day, -hour, -day])(
  'with the clock of the wall moved by %i ms, nothing storms and nothing stalls',
  async (shift, { stage }) => {
    const town = await aTown(stage, { name: `clock-${shift}` })
    const { run, disturb } = disturbable(town, stage)
    await run.ready()
    await town.hooked()
    town.push()
    await until('the job runs', () => town.waiting === 0)
    disturb(`shift ${shift}`)
    await servedInPeace(town)
    // One that is announced, and one that only a look can find.
    town.push()
    await servedInPeace(town)
    town.forge.loseNext()
    town.push()
    await servedInPeace(town)
    const rows = await town.settled(run)
    expect(town.judge(rows)).toEqual(nothing)
    expect(town.starts).toHaveLength(3)
    await endedInPeace(run)
  },
)

/** A dispatcher that starts what it is asked for, and holds every answer back until it is let go. */
function aSilentOne() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { letGo: resolve, dispatcher: () => ({ after: promise, does: 'starts' as const }) }
}

test.concurrent('told to end while a start is under way, it ends, and the next one asks for no second runner', async ({
  stage,
}) => {
  const { letGo, dispatcher } = aSilentOne()
  const town = await aTown(stage, { name: 'ended', dispatcher })
  const run = service(town)
  await run.ready()
  await town.hooked()
  town.push()
  await until('a runner was asked for', () => town.starts.length === 1)
  await endedInPeace(run)
  letGo()
  const next = service(town)
  expect(town.judge(await town.settled(next))).toEqual(nothing)
  expect(town.starts).toHaveLength(1)
  await endedInPeace(next)
})

test.concurrent('told a second time, it ends at once, even where it would wait, and nothing is doubled', async ({
  stage,
}) => {
  const { letGo, dispatcher } = aSilentOne()
  const town = await aTown(stage, { name: 'ended-twice', dispatcher, onShutdown: 'wait' })
  const run = service(town)
  await run.ready()
  await town.hooked()
  town.push()
  await until('a runner was asked for', () => town.starts.length === 1)
  run.child.kill('SIGTERM')
  await until('it is stopping', () => run.stderr.includes('"stopping"'))
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(1)
  letGo()
  const next = service(town)
  expect(town.judge(await town.settled(next))).toEqual(nothing)
  expect(town.starts).toHaveLength(1)
  await endedInPeace(next)
})
