import { expect, test } from 'vitest'
import { aHookWish } from '../../support/builders.ts'
import {
  anApp,
  everything,
  never,
  type OpenGithub,
  openGithub,
  organization,
  ourApp,
} from '../../support/github-world.ts'
import { joinedRunner } from '../../support/world.ts'

const minute = 60_000
const hour = 60 * minute
const names = (count: number) => Array.from({ length: count }, (_, index) => `r${String(index).padStart(2, '0')}`)
const build = { name: 'build', labels: ['self-hosted', 'linux'] }
const quiet = (...only: string[]) => ({ labels: ['linux'], only })

/** Requests since the last time it was asked, without their status. */
function asked({ host }: OpenGithub) {
  let seen = 0
  return () => {
    const fresh = host.answered.slice(seen)
    seen = host.answered.length
    return fresh.map((line) => line.replace(/ \d+$/, ''))
  }
}

const runsOf = (repository: string) => `GET /repos/harbour/${repository}/actions/runs`

test('where webhooks work, only the repositories with open jobs are asked, and one further one an hour', async () => {
  const world = await openGithub({ repositories: names(3) })
  const requests = asked(world)
  const github = world.github()
  const run = world.forge.jobs.push({ repository: 'harbour/r01', jobs: [build] })
  const list = await github.jobs(quiet('harbour/r01'), never())
  expect(list).toMatchObject({ complete: true, filter: null, jobs: [{ repository: 'harbour/r01', state: 'queued' }] })
  // The further one has few runs, so that its one page proves something too.
  expect(list?.repositories).toEqual(new Set(['harbour/r01', 'harbour/r00']))
  expect(requests()).toEqual([
    ...Array.from({ length: 4 }, () => runsOf('r01')),
    `${runsOf('r01')}/${run.id}/jobs`,
    'GET /orgs/harbour/repos',
    runsOf('r00'),
  ])
  world.clock.pass(5 * minute)
  expect((await github.jobs(quiet('harbour/r01'), never()))?.repositories).toEqual(new Set(['harbour/r01']))
  expect(requests()).not.toContain(runsOf('r00'))
})

test('without open jobs nothing is asked between the hours', async () => {
  const world = await openGithub({ repositories: names(3) })
  const github = world.github()
  await github.jobs(quiet(), never())
  const requests = asked(world)
  requests()
  world.clock.pass(30 * minute)
  expect(await github.jobs(quiet(), never())).toEqual({
    complete: true,
    filter: null,
    repositories: new Set(),
    jobs: [],
  })
  expect(requests()).toEqual([])
})

test('the list of repositories that a whole look read is good for an hour', async () => {
  const world = await openGithub({ repositories: names(2) })
  const github = world.github()
  await github.jobs(everything, never())
  const requests = asked(world)
  requests()
  world.clock.pass(5 * minute)
  await github.jobs(quiet(), never())
  expect(requests()).toEqual([runsOf('r00')])
})

test('the further repositories are asked in turn, so that each is met', async () => {
  const world = await openGithub({ repositories: names(4) })
  const github = world.github()
  const turns: string[] = []
  for (let beat = 0; beat < 6; beat++) {
    turns.push(...((await github.jobs(quiet('harbour/R02'), never()))?.repositories ?? []))
    world.clock.pass(hour)
  }
  const further = turns.filter((one) => one !== 'harbour/r02')
  expect(further).toEqual(['r00', 'r01', 'r03', 'r00', 'r01', 'r03'].map((name) => `harbour/${name}`))
})

test('a job that no webhook announced is found when the turn comes to its repository', async () => {
  const world = await openGithub({ repositories: names(2) })
  const github = world.github()
  await github.jobs(quiet(), never())
  world.forge.jobs.push({ repository: 'harbour/r01', jobs: [build] })
  world.clock.pass(hour)
  expect((await github.jobs(quiet(), never()))?.jobs).toMatchObject([{ repository: 'harbour/r01', state: 'queued' }])
})

test('a repository with more runs than one page tells of jobs, and proves nothing', async () => {
  const world = await openGithub()
  for (let run = 0; run < 101; run++) world.forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [build] })
  const list = await world.github().jobs(quiet(), never())
  expect(list?.jobs).toHaveLength(100)
  expect(list).toMatchObject({ complete: true, repositories: new Set() })
})

test('runs that are over are not read for their jobs', async () => {
  const world = await openGithub()
  world.forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [build] })
  const runner = joinedRunner(world.forge, ['self-hosted', 'linux'])
  world.forge.runners.report(runner, world.forge.runners.fetch(runner)?.taskId ?? 0, 'success')
  const requests = asked(world)
  await world.github().jobs(quiet(), never())
  expect(requests().filter((line) => line.endsWith('/jobs'))).toEqual([])
})

test('a repository that cannot be read leaves the others proven', async () => {
  const world = await openGithub({ repositories: names(2) })
  world.host.denied.push(/r00\/actions/)
  const list = await world.github().jobs(quiet('harbour/r00', 'harbour/r01'), never())
  expect(list).toMatchObject({ complete: false, repositories: new Set(['harbour/r01']) })
  expect(world.notes).toEqual([expect.stringContaining('harbour/r00')])
})

test('a repository-level instance that is quiet asks for its runs once an hour', async () => {
  const world = await openGithub()
  const github = world.github({ scope: { level: 'repository', owner: 'harbour', name: 'lighthouse' } })
  const requests = asked(world)
  for (let beat = 0; beat < 12; beat++) {
    await github.jobs(quiet(), never())
    world.clock.pass(5 * minute)
  }
  expect(requests()).toEqual([runsOf('lighthouse')])
})

test.each([
  ['a token', {}],
  ['an App', { app: anApp() }],
])('a quiet hour of an idle organization of 200 repositories costs at most 30 requests with %s', async (_, traits) => {
  const world = await openGithub({ repositories: names(200), ...traits })
  const github = world.github('app' in traits ? { app: ourApp() } : {})
  await github.probe(never())
  const hook = await github.ensureHook?.({ ...aHookWish({ url: 'http://127.0.0.1:9/' }), known: null }, never())
  const known = { id: hook?.id ?? '', secretFits: true }
  const hourly = async () => {
    const before = world.host.answered.length
    await github.ensureHook?.({ ...aHookWish({ url: 'http://127.0.0.1:9/' }), known }, never())
    for (let beat = 0; beat < 12; beat++) {
      const query = { hook: known.id, since: null, received: async () => new Set<string>() }
      expect(await github.recover?.(query, never())).toMatchObject({ gap: false })
      await github.jobs(quiet(), never())
      await github.runners(never())
      world.clock.pass(5 * minute)
    }
    return world.host.answered.slice(before)
  }
  await hourly()
  const second = await hourly()
  // Two pages of repositories; the App's token and the search for it come on top.
  expect(second.filter((line) => !/access_tokens|installation /.test(line)).length).toBeLessThanOrEqual(30)
  expect(second.length).toBeLessThanOrEqual(32)
})

test('polling 50 repositories each 30 s without webhooks stays under a fifth of the quota, and under 900 reads a minute', async () => {
  const world = await openGithub({ repositories: names(50) })
  const { forge, clock, host } = world
  const github = world.github()
  const perMinute: number[] = []
  const minutes = 10
  for (let elapsed = 0; elapsed < minutes; elapsed++) {
    const before = host.answered.length
    for (const half of [0, 1]) {
      const began = clock.now()
      // 60 jobs an hour, each seen queued, at work and over.
      const runner = joinedRunner(forge, build.labels, { scope: organization, name: `runner-${began}` })
      const earlier = forge.runners.fetch(runner)
      if (half === 0) forge.jobs.push({ repository: `harbour/${names(50)[elapsed]}`, jobs: [build] })
      expect(await github.jobs(everything, never())).toMatchObject({ complete: true })
      await github.runners(never())
      if (earlier) forge.runners.report(runner, earlier.taskId, 'success')
      clock.pass(Math.max(0, 30_000 - (clock.now() - began)))
    }
    perMinute.push(host.answered.length - before)
  }
  const paid = host.answered.filter((line) => !line.endsWith(' 304')).length
  // The first look pays for each list once; from then on only what has changed.
  const first = 50 * 4 + 2
  const hourly = first + (paid - first) * (60 / minutes)
  expect(hourly).toBeLessThan(5_000 / 5)
  expect(Math.max(...perMinute)).toBeLessThan(900)
})
