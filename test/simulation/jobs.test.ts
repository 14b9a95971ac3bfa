import { expect, test } from 'vitest'
import type { Happening } from '../../src/simulation/state.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import { aForge, joinedRunner, repository } from '../support/world.ts'

const gitea = { kind: 'gitea', version: '1.26' } as const
const github = { kind: 'github' } as const
const forgejo = { kind: 'forgejo', version: 15 } as const
const linux = ['linux']

/** The states of the jobs as they were told, as `name status`. */
const steps = (told: readonly Happening[]) =>
  told.flatMap((one) => (one.kind === 'job' ? [`${one.job.name} ${one.job.conclusion ?? one.job.status}`] : []))

test('a job that needs nothing is queued at once', () => {
  const { forge, told } = aForge(gitea)
  forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  expect(steps(told)).toEqual(['build queued'])
})

test('a blocked job becomes queued when what it needs is done', () => {
  const { forge, told } = aForge(gitea)
  const { id } = forge.jobs.push({
    repository,
    jobs: [
      { name: 'deploy', labels: linux, needs: ['build', 'lint'] },
      { name: 'build', labels: linux },
      { name: 'lint', labels: linux },
    ],
  })
  const [deploy, build, lint] = forge.jobs.ofRun(id)
  forge.jobs.finish(build!, 'success')
  expect(deploy!.status).toBe('blocked')
  forge.jobs.finish(lint!, 'success')
  expect(deploy!.status).toBe('queued')
  expect(steps(told)).toEqual([
    'deploy blocked',
    'build queued',
    'lint queued',
    'build success',
    'lint success',
    'deploy queued',
  ])
})

test('a failed job has everything skipped that needs it, and the run fails', () => {
  const { forge, told } = aForge(gitea)
  const { id } = forge.jobs.push({
    repository,
    jobs: [
      { name: 'build', labels: linux },
      { name: 'test', labels: linux, needs: ['build'] },
      { name: 'deploy', labels: linux, needs: ['test'] },
    ],
  })
  forge.jobs.finish(forge.jobs.ofRun(id)[0]!, 'failure')
  expect(forge.jobs.ofRun(id).map(({ conclusion }) => conclusion)).toEqual(['failure', 'skipped', 'skipped'])
  expect(told.at(-1)).toMatchObject({ kind: 'run_done', conclusion: 'failure' })
})

test('a run that succeeds after a failed one has recovered', () => {
  const { forge, told } = aForge(forgejo)
  for (const end of ['failure', 'success'] as const) {
    const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
    forge.jobs.finish(forge.jobs.ofRun(id)[0]!, end)
  }
  const ends = told.filter((one) => one.kind === 'run_done')
  expect(ends.map(({ recovered }) => recovered)).toEqual([false, true])
})

test('a job that waits for approval is queued when somebody approves it', () => {
  const { forge, told } = aForge(github)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'deploy', labels: linux, approval: true }] })
  forge.jobs.approve(forge.jobs.ofRun(id)[0]!.id)
  expect(steps(told)).toEqual(['deploy waiting', 'deploy queued'])
})

test('a queued job can be cancelled, and no runner gets it', () => {
  const { forge } = aForge(gitea)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  forge.jobs.cancel(forge.jobs.ofRun(id)[0]!.id)
  expect(forge.runners.fetch(joinedRunner(forge))).toBeNull()
  expect(forge.jobs.ofRun(id)[0]).toMatchObject({ status: 'done', conclusion: 'cancelled', runner: null })
})

test('what was told does not change when the job moves on', () => {
  const { forge, told } = aForge(gitea)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  forge.jobs.cancel(forge.jobs.ofRun(id)[0]!.id)
  expect(steps(told)).toEqual(['build queued', 'build cancelled'])
})

test('a story that names an unknown repository is told so', () => {
  expect(() => aForge(gitea).forge.jobs.push({ repository: 'no/where', jobs: [] })).toThrow('no repository no/where')
})

test('Gitea up to 1.26 re-runs a job under the same id, and counts the attempt only when it is picked', () => {
  const { forge } = aForge(gitea)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  const [job] = forge.jobs.ofRun(id)
  const runner = joinedRunner(forge)
  expect(forge.runners.fetch(runner)?.attempt).toBe(1)
  forge.runners.report(runner, job!.taskId, 'failure')
  forge.jobs.rerun(id)
  expect(forge.jobs.ofRun(id)).toEqual([
    expect.objectContaining({ id: job!.id, attempt: 1, status: 'queued', taskId: 0 }),
  ])
})

test.each([
  ['Gitea 1.27', { kind: 'gitea', version: '1.27' }],
  ['GitHub', github],
] as const)('%s re-runs a job as a new row', (_name, version) => {
  const { forge } = aForge(version)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  const [first] = forge.jobs.ofRun(id)
  forge.jobs.finish(first!, 'failure')
  forge.jobs.rerun(id)
  const [second] = forge.jobs.ofRun(id)
  expect(second).toMatchObject({ attempt: 2, status: 'queued', conclusion: null })
  expect(second!.id).not.toBe(first!.id)
})

test('Forgejo 15 re-runs a job under the same id with a new attempt and a new handle', () => {
  const { forge } = aForge(forgejo)
  const { id } = forge.jobs.push({ repository, jobs: [{ name: 'build', labels: linux }] })
  const [job] = forge.jobs.ofRun(id)
  const { handle } = job!
  forge.jobs.finish(job!, 'failure')
  forge.jobs.rerun(id)
  expect(forge.jobs.ofRun(id)[0]).toMatchObject({ id: job!.id, attempt: 2, status: 'queued' })
  expect(forge.jobs.ofRun(id)[0]!.handle).not.toBe(handle)
})

test('a re-run of one job on GitHub tells of the finished ones again, under new ids', () => {
  const { forge, told } = aForge(github)
  const jobs = [
    { name: 'good', labels: linux },
    { name: 'bad', labels: linux },
  ]
  const { id } = forge.jobs.push({ repository, jobs })
  const [good, bad] = forge.jobs.ofRun(id)
  forge.jobs.finish(good!, 'success')
  forge.jobs.finish(bad!, 'failure')
  told.length = 0
  forge.jobs.rerun(id, ['bad'])
  expect(steps(told)).toEqual(['good success', 'bad queued'])
  expect(told.map((one) => one.kind === 'job' && one.job.id)).not.toContain(good!.id)
})

test.each([
  { kind: 'forgejo', version: 15, listedAs: 'queued' },
  { kind: 'gitea', version: '1.26', listedAs: 'blocked' },
] as const)(
  'a job held by its concurrency group is $listedAs on $kind $version, and nobody gets it',
  ({ listedAs, ...version }) => {
    const { forge } = aForge(version)
    const push = () => forge.jobs.push({ repository, group: 'deploy', jobs: [{ name: 'deploy', labels: linux }] })
    const first = push()
    const second = push()
    forge.runners.fetch(joinedRunner(forge))
    expect(forge.jobs.ofRun(second.id)[0]!.status).toBe(listedAs)
    expect(forge.runners.fetch(joinedRunner(forge))).toBeNull()
    forge.jobs.finish(forge.jobs.ofRun(first.id)[0]!, 'success')
    expect(forge.runners.fetch(joinedRunner(forge))?.runId).toBe(second.id)
  },
)

test('Forgejo before 14 knows no concurrency groups', () => {
  const { forge } = aForge({ kind: 'forgejo', version: 13 })
  for (const name of ['one', 'two']) forge.jobs.push({ repository, group: 'deploy', jobs: [{ name, labels: linux }] })
  expect(forge.runners.fetch(joinedRunner(forge))?.name).toBe('one')
  expect(forge.runners.fetch(joinedRunner(forge))?.name).toBe('two')
})

const calling = [
  { name: 'build', labels: linux },
  {
    name: 'release',
    labels: [],
    needs: ['build'],
    uses: [
      { name: 'pack', labels: linux },
      { name: 'ship', labels: linux, needs: ['pack'] },
    ],
  },
  { name: 'tell', labels: linux, needs: ['release'] },
]

/** What every job was called as it was taken, one after the other. */
function takenInTurn(version: ForgeVersion): string[] {
  const { forge } = aForge(version)
  forge.jobs.push({ repository, jobs: calling })
  const names: string[] = []
  for (let job = forge.runners.fetch(joinedRunner(forge)); job; job = forge.runners.fetch(joinedRunner(forge))) {
    names.push(job.name)
    forge.jobs.finish(job, 'success')
  }
  return names
}

test.each([
  ['Gitea 1.26', gitea, ['build', 'release', 'tell']],
  ['Gitea 1.27', { kind: 'gitea', version: '1.27' }, ['build', 'release / pack', 'release / ship', 'tell']],
  ['Forgejo 15', forgejo, ['build', 'release / pack', 'release / ship', 'tell']],
  ['GitHub', github, ['build', 'release / pack', 'release / ship', 'tell']],
] as const)('on %s runners are given the jobs of a called workflow in turn', (_name, version, names) => {
  expect(takenInTurn(version)).toEqual(names)
})

test('a caller goes as the jobs go that it called', () => {
  const { forge, told } = aForge({ kind: 'gitea', version: '1.27' })
  forge.jobs.push({ repository, jobs: [{ name: 'release', labels: [], uses: [{ name: 'pack', labels: linux }] }] })
  const job = forge.runners.fetch(joinedRunner(forge))
  forge.jobs.finish(job!, 'success')
  expect(steps(told).filter((step) => step.startsWith('release '))).toEqual([
    'release blocked',
    'release / pack queued',
    'release queued',
    'release / pack running',
    'release running',
    'release / pack success',
    'release success',
  ])
  expect(told.at(-1)).toMatchObject({ kind: 'run_done', conclusion: 'success' })
})

test('on GitHub no row stands for the jobs of a called workflow', () => {
  const { forge } = aForge(github)
  const { id } = forge.jobs.push({ repository, jobs: calling })
  expect(forge.jobs.ofRun(id).map(({ name }) => name)).toEqual(['build', 'release / pack', 'release / ship', 'tell'])
})
