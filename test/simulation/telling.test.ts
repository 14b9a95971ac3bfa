import { expect, test } from 'vitest'
import type { ForgeKind } from '../../src/forges/forge.ts'
import { createSimulatedForge, type SimulatedForge } from '../../src/simulation/forge.ts'
import { demoStory, type Scene, type Story } from '../../src/simulation/story.ts'
import { createTelling, type Line } from '../../src/simulation/telling.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { countedIds, type HandClock, handClock, repositoryScope } from '../support/world.ts'

const versions: ForgeVersion[] = [
  { kind: 'forgejo', version: 15 },
  { kind: 'gitea', version: '1.26' },
  { kind: 'github' },
]

/** Three forges, each with a hook, and runners that offer `linux` and the demo's labels and come at once for each queued job. */
function aWorld(story: Story, { served = true } = {}) {
  const clock = handClock()
  const forges = new Map<ForgeKind, SimulatedForge>()
  for (const version of versions) {
    const repositories = [{ owner: 'harbour', name: 'lighthouse' }]
    const forge = createSimulatedForge({ version, clock, ids: countedIds(version.kind), repositories })
    if (served) serveEach(forge, clock)
    announceEach(forge)
    forges.set(version.kind, forge)
  }
  const telling = createTelling(story, forges, clock)
  const lines: Line[] = []
  telling.onLine((line) => lines.push(line))
  return { clock, forges, telling, lines }
}

function serveEach(forge: SimulatedForge, clock: HandClock): void {
  forge.watch((happening) => {
    if (happening.kind !== 'job' || happening.job.status !== 'queued') return
    void clock.sleep(500).then(async () => {
      const labels = ['linux', 'self-hosted', 'docker', 'ubuntu-latest']
      const runner = forge.runners.register({ scope: repositoryScope, name: 'r', labels, ephemeral: true })
      forge.runners.contact(runner)
      const job = forge.runners.fetch(runner)
      if (!job) return forge.runners.remove(runner)
      await clock.sleep(job.duration)
      forge.runners.report(runner, job.taskId, job.willEnd)
    })
  })
}

/** The state machine alone sends nothing: a dialect does. Here one line stands for it. */
function announceEach(forge: SimulatedForge): void {
  forge.watch((happening) => {
    if (happening.kind !== 'job') return
    const { id, status } = happening.job
    const { uuid, clock } = forge.ground
    const madeAt = clock.now()
    forge.outbox.put({ id: uuid(), hookId: 1, event: 'workflow_job', action: status, jobId: id, payload: {}, madeAt })
  })
}

/** Lets time run until the promise settles. */
async function playedOut<T>(clock: HandClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const mark = () => {
    settled = true
  }
  promise.then(mark, mark)
  while (!settled) {
    clock.pass(50)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return promise
}

const push = (at: number, labels = ['linux']): Scene => ({
  at,
  forge: 'gitea',
  tell: 'a push',
  push: [{ name: 'build', labels, seconds: 2 }],
})

test('the story of the demo has what it promises, and ends well when every job gets a runner', async () => {
  const { clock, telling } = aWorld(demoStory)
  const result = await playedOut(clock, telling.play())
  expect(result).toMatchObject({
    cancelled: 1,
    runners: { left: 0 },
    webhooks: { duplicates: 1, lost_found: 1 },
  })
  expect(result.jobs).toBeGreaterThanOrEqual(10)
  expect(result.served + result.cancelled).toBe(result.jobs)
  expect(result.runners.started).toBeGreaterThanOrEqual(result.served)
})

test('the story of the demo leaves ten seconds for its last jobs', () => {
  expect(Math.max(...demoStory.scenes.map(({ at }) => at))).toBeLessThanOrEqual(15)
})

test('a wait lasts from queued to taken', async () => {
  const { clock, telling } = aWorld({ title: '', scenes: [push(1), push(5)] })
  const { wait_ms } = await playedOut(clock, telling.play())
  expect(wait_ms).toEqual({ median: 500, worst: 500 })
})

test('a lost webhook whose job nobody found is not counted as found', async () => {
  const scenes: Scene[] = [
    { at: 1, forge: 'gitea', tell: 'lost', fault: 'lose', job: 'build' },
    push(2, ['unserved']),
    { at: 3, forge: 'gitea', tell: 'cancelled', cancel: 'build' },
  ]
  const { clock, telling } = aWorld({ title: '', scenes })
  expect(await playedOut(clock, telling.play())).toMatchObject({ cancelled: 1, webhooks: { lost_found: 0 } })
})

test('a runner that stays is told in the end', async () => {
  const { clock, telling, forges } = aWorld({ title: '', scenes: [push(1)] })
  const runner = { scope: repositoryScope, name: 'left behind', labels: [], ephemeral: true }
  forges.get('gitea')!.runners.register(runner)
  expect((await playedOut(clock, telling.play())).runners).toEqual({ started: 1, left: 1 })
})

test('a job that nobody serves keeps the story open, and the progress says so', async () => {
  const { clock, telling } = aWorld({ title: '', scenes: [push(1)] }, { served: false })
  const ending = new AbortController()
  const end = telling.play(ending.signal)
  clock.pass(60_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(telling.progress()).toMatchObject({
    elapsed: 60_000,
    scenes: { played: 1, all: 1 },
    jobs: { queued: 1, done: 0 },
    forges: { gitea: { jobs: { queued: 1 } } },
  })
  ending.abort()
  expect(await playedOut(clock, end)).toMatchObject({ jobs: 1, served: 0, cancelled: 0 })
})

test('what happens is told in lines', async () => {
  const { clock, telling, lines } = aWorld({ title: '', scenes: [push(1)] })
  await playedOut(clock, telling.play())
  expect(lines.map(({ at, forge, text }) => `${at / 1_000} ${forge}: ${text}`)).toEqual([
    '1 gitea: a push',
    '1 gitea: build is queued',
    '1.5 gitea: runner r registered',
    '1.5 gitea: runner r connected',
    '1.5 gitea: build runs on r',
    '3.5 gitea: build ended: success',
    '3.5 gitea: runner r is gone',
  ])
})

test('a scene that does not fit the world ends the story with an error', async () => {
  const { clock, telling } = aWorld({ title: '', scenes: [{ at: 0, forge: 'gitea', tell: '', cancel: 'nothing' }] })
  await expect(playedOut(clock, telling.play())).rejects.toThrow('cancels nothing, which gitea has not')
})
