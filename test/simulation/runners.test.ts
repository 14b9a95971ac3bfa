import { expect, test } from 'vitest'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { aForge, joinedRunner, repository, repositoryScope } from '../support/world.ts'

const gitea: ForgeVersion = { kind: 'gitea', version: '1.26' }
const forgejo: ForgeVersion = { kind: 'forgejo', version: 15 }
const minute = 60_000

const push = ({ forge }: ReturnType<typeof aForge>, ...names: string[]) =>
  forge.jobs.ofRun(forge.jobs.push({ repository, jobs: names.map((name) => ({ name, labels: ['linux'] })) }).id)

test('an ephemeral runner takes one job and is gone', () => {
  const world = aForge(gitea)
  push(world, 'one', 'two')
  const runner = joinedRunner(world.forge)
  const job = world.forge.runners.fetch(runner)
  world.forge.runners.report(runner, job!.taskId, 'success')
  expect(job).toMatchObject({ name: 'one', status: 'done', conclusion: 'success' })
  expect(world.forge.runners.authenticate(runner.uuid, runner.token)).toBeNull()
  expect(world.forge.runners.of(repositoryScope)).toEqual([])
})

test('a runner that is not ephemeral takes one job after the other', () => {
  const world = aForge(gitea)
  push(world, 'one', 'two')
  const runner = joinedRunner(world.forge, ['linux'], { ephemeral: false })
  for (const name of ['one', 'two']) {
    const job = world.forge.runners.fetch(runner)
    expect(job?.name).toBe(name)
    world.forge.runners.report(runner, job!.taskId, 'success')
  }
})

test('Forgejo before 15 knows no ephemeral runners', () => {
  const { forge } = aForge({ kind: 'forgejo', version: 14 })
  expect(joinedRunner(forge).ephemeral).toBe(false)
})

test('a busy runner is given nothing more', () => {
  const world = aForge(gitea)
  push(world, 'one', 'two')
  const runner = joinedRunner(world.forge, ['linux'], { ephemeral: false })
  world.forge.runners.fetch(runner)
  expect(world.forge.runners.fetch(runner)).toBeNull()
})

test.each`
  kind         | version   | asked                     | offered                   | taken
  ${'gitea'}   | ${'1.26'} | ${['linux']}              | ${['linux', 'x64']}       | ${true}
  ${'gitea'}   | ${'1.26'} | ${['linux', 'gpu']}       | ${['linux']}              | ${false}
  ${'gitea'}   | ${'1.26'} | ${['Linux']}              | ${['linux']}              | ${false}
  ${'github'}  | ${''}     | ${['Self-Hosted', 'GPU']} | ${['self-hosted', 'gpu']} | ${true}
  ${'github'}  | ${''}     | ${['self-hosted']}        | ${['linux']}              | ${false}
  ${'gitea'}   | ${'1.26'} | ${[]}                     | ${['linux']}              | ${true}
  ${'gitea'}   | ${'1.27'} | ${[]}                     | ${['linux']}              | ${false}
  ${'forgejo'} | ${15}     | ${[]}                     | ${['linux']}              | ${false}
`(
  '$kind $version gives a job for $asked to a runner with $offered: $taken',
  ({ kind, version, asked, offered, taken }) => {
    const { forge } = aForge({ kind, version })
    forge.jobs.push({ repository, jobs: [{ name: 'build', labels: asked }] })
    expect(forge.runners.fetch(joinedRunner(forge, offered)) !== null).toBe(taken)
  },
)

test('a runner with a handle takes that attempt or nothing', () => {
  const world = aForge(forgejo)
  const [, second] = push(world, 'one', 'two')
  const bound = joinedRunner(world.forge)
  expect(world.forge.runners.fetch(bound, second!.handle!)?.name).toBe('two')
  expect(world.forge.runners.fetch(joinedRunner(world.forge), second!.handle!)).toBeNull()
})

test('a handle of an earlier attempt yields nothing', () => {
  const world = aForge(forgejo)
  const [job] = push(world, 'one')
  const stale = job!.handle!
  world.forge.jobs.finish(job!, 'failure')
  world.forge.jobs.rerun(job!.runId)
  expect(world.forge.runners.fetch(joinedRunner(world.forge), stale)).toBeNull()
})

test('a drained runner is given nothing', () => {
  const world = aForge(gitea)
  push(world, 'one')
  const runner = joinedRunner(world.forge)
  runner.disabled = true
  expect(world.forge.runners.fetch(runner)).toBeNull()
})

test('a runner serves only its own scope', () => {
  const { forge } = aForge(gitea, {
    repositories: [
      { owner: 'harbour', name: 'lighthouse' },
      { owner: 'orchard', name: 'cider' },
    ],
  })
  forge.jobs.push({ repository: 'orchard/cider', jobs: [{ name: 'press', labels: ['linux'] }] })
  const organization = { level: 'organization', owner: 'orchard', name: null } as const
  expect(forge.runners.fetch(joinedRunner(forge))).toBeNull()
  expect(forge.runners.fetch(joinedRunner(forge, ['linux'], { scope: organization }))?.name).toBe('press')
})

test('a runner that never connected is offline, and one that was killed still looks online for a minute', () => {
  const { forge, clock } = aForge(gitea)
  const never = forge.runners.register({ scope: repositoryScope, name: 'never', labels: [], ephemeral: true })
  const killed = joinedRunner(forge)
  expect(forge.runners.isOnline(never)).toBe(false)
  clock.pass(minute)
  expect(forge.runners.isOnline(killed)).toBe(true)
  clock.pass(1)
  expect(forge.runners.isOnline(killed)).toBe(false)
})

test('a cancelled job is taken from its runner, which learns it with its next report', () => {
  const world = aForge(gitea)
  push(world, 'one')
  const runner = joinedRunner(world.forge, ['linux'], { ephemeral: false })
  const job = world.forge.runners.fetch(runner)!
  world.forge.jobs.cancel(job.id)
  expect(world.forge.runners.report(runner, job.taskId, 'working')).toBe('cancelled')
  expect(runner.jobId).toBeNull()
})

test('a late report changes no job that is done', () => {
  const world = aForge(gitea)
  push(world, 'one')
  const runner = joinedRunner(world.forge, ['linux'], { ephemeral: false })
  const job = world.forge.runners.fetch(runner)!
  world.forge.jobs.cancel(job.id)
  world.forge.runners.report(runner, job.taskId, 'success')
  expect(job.conclusion).toBe('cancelled')
})

test('a job whose runner was killed fails after ten minutes of silence', () => {
  const world = aForge(gitea)
  const [job] = push(world, 'one')
  world.forge.runners.fetch(joinedRunner(world.forge))
  world.clock.pass(10 * minute)
  world.forge.runners.sweep()
  expect(job!.status).toBe('running')
  world.clock.pass(1)
  world.forge.runners.sweep()
  expect(job!.conclusion).toBe('failure')
})

test('a job that nobody takes for a day is cancelled', () => {
  const world = aForge(gitea)
  const [job] = push(world, 'one')
  world.clock.pass(24 * 60 * minute + 1)
  world.forge.runners.sweep()
  expect(job!.conclusion).toBe('cancelled')
})

test.each([
  ['GitHub', { kind: 'github' }, true],
  ['Gitea', gitea, false],
  ['Forgejo', forgejo, false],
] as const)('%s forgets a registration that never connected for a day: $2', (_name, version, forgotten) => {
  const { forge, clock } = aForge(version)
  const unused = forge.runners.register({ scope: repositoryScope, name: 'unused', labels: [], ephemeral: true })
  const used = joinedRunner(forge)
  clock.pass(24 * 60 * minute + 1)
  forge.runners.sweep()
  expect(unused.goneAt !== null).toBe(forgotten)
  expect(used.goneAt).toBeNull()
})

test('a registration token stays the same for its scope, and says which scope that is', () => {
  const { forge } = aForge(gitea)
  const token = forge.runners.registrationToken(repositoryScope)
  expect(forge.runners.registrationToken(repositoryScope)).toBe(token)
  expect(forge.runners.scopeOfToken(token)).toEqual(repositoryScope)
  expect(forge.runners.scopeOfToken('another')).toBeNull()
})
