import { describe, expect } from 'vitest'
import { dialects } from './dialects.ts'
import { journey } from './stage.ts'
import { jobLabels } from './staged-forge.ts'
import { aTown, type Town } from './town.ts'
import { until } from './until.ts'

// Fast enough for minutes, slow enough for what goes over the network.
const test = journey(60)

/** For which jobs runners were asked for, in that order; null for `min_idle`. */
function askedFor({ cloud }: Town): (number | null)[] {
  return cloud.calls.map(({ job }) => (job === undefined ? null : Number(job.split('/')[1])))
}

describe.each(dialects)('on $name,', (dialect) => {
  const { tells, listsJobs, namesRunners } = dialect
  const labels = jobLabels(dialect.version.kind)

  test.concurrent('a job gets one runner, and when it is over nothing is left', async ({ stage }) => {
    const town = await aTown(stage, dialect)
    const [job] = town.forge.push({ seconds: 10 })
    await until('it has run', () => job?.conclusion === 'success')
    await town.over()
    await town.empty()
    expect(askedFor(town)).toEqual([job?.id])
    const { jobs, dispatches } = town.service
    expect(await jobs()).toEqual([expect.objectContaining({ state: 'finished', round: 1, dispatches: 1 })])
    expect(await dispatches()).toHaveLength(1)
  })

  test.concurrent('each job of a matrix gets a runner at once, and the one that needs them all gets it after them', async ({
    stage,
  }) => {
    // A server that gives two rows at a time has everybody turn pages.
    const town = await aTown(stage, dialect, { settings: { maxResponseItems: 2 } })
    const names = ['22', '24', '26']
    const matrix = town.forge.push(...names.map((name) => ({ name, seconds: 20 })), {
      name: 'deploy',
      needs: names,
      seconds: 1,
    })
    await until('all three run', () => matrix.slice(0, 3).every(({ status }) => status === 'running'))
    expect(town.cloud.calls).toHaveLength(3)
    await town.over()
    await town.empty()
    expect(matrix.map(({ conclusion }) => conclusion)).toEqual(['success', 'success', 'success', 'success'])
    expect(askedFor(town).sort()).toEqual(matrix.map(({ id }) => id).sort())
  })

  test.concurrent('a job that is cancelled while it waits takes no runner from the next', async ({ stage }) => {
    const town = await aTown(stage, dialect, { cloud: { boot: 10_000, patience: 60_000 } })
    const [cancelled] = town.forge.push({})
    await until('a runner is asked for', () => town.cloud.calls.length === 1)
    town.forge.world.jobs.cancel(cancelled?.id ?? 0)
    await town.over()
    const [next] = town.forge.push({ seconds: 5 })
    await until('the next one has run', () => next?.conclusion === 'success')
    await town.over()
    await town.empty()
    // Where nobody tells that it was cancelled, it may have run on the first runner.
    expect(town.cloud.calls.length).toBeLessThanOrEqual(tells ? 1 : 2)
  })

  test.concurrent('a re-run of the job that failed is one more round of it, and gets one more runner', async ({
    stage,
  }) => {
    const town = await aTown(stage, dialect)
    const { jobs } = town.forge.world
    const [good, bad] = town.forge.push({ name: 'good', seconds: 2 }, { name: 'bad', seconds: 2, willEnd: 'failure' })
    await town.over()
    jobs.rerun(bad?.runId ?? 0, ['bad'])
    await until('one more runner is asked for', () => town.cloud.calls.length === 3)
    await town.over()
    await town.empty()
    const again = jobs.ofRun(bad?.runId ?? 0).find(({ name }) => name === 'bad')
    expect(again).toMatchObject({ attempt: 2, conclusion: 'failure' })
    expect(askedFor(town)).toEqual([good?.id, bad?.id, again?.id])
  })

  test.concurrent('deliveries that come twice, late or in the wrong order change nothing', async ({ stage }) => {
    const town = await aTown(stage, dialect)
    const { outbox } = town.forge.world
    // Two of a kind for each step of each job.
    const kinds = ['duplicate', 'delay', 'reorder', 'duplicate', 'reorder', 'delay'] as const
    for (const kind of [...kinds, ...kinds]) outbox.order({ kind, matches: ({ jobId }) => jobId !== null || !tells })
    const jobs = [1, 2, 3, 4].flatMap((name) => town.forge.push({ name: `job-${name}`, seconds: 3 }))
    await until('all have run', () => jobs.every(({ conclusion }) => conclusion === 'success'))
    await town.over()
    await until('nothing is on its way', () => outbox.nextAt() === null)
    expect(outbox.made.map(({ fault }) => fault)).toEqual(expect.arrayContaining(['duplicate', 'delay', 'reorder']))
    await town.service.look(town.forge.kind)
    await town.over()
    await town.empty()
    expect(askedFor(town).sort()).toEqual(jobs.map(({ id }) => id).sort())
  })

  test.concurrent('a restart in the middle starts nothing twice and forgets nothing', async ({ stage }) => {
    const town = await aTown(stage, dialect)
    const [running] = town.forge.push({ seconds: 60 })
    const { job } = town.service
    await until('it runs', async () => (await job(town.forge.kind, running?.id ?? 0)).state === 'running')
    await town.service.stop()
    const [missed] = listsJobs ? town.forge.push({ seconds: 1 }) : []
    await stage.clock.sleep(5_000)
    await town.restart()
    await until('both have run', () => [running, missed].every((job) => !job || job.conclusion === 'success'))
    await town.over()
    await town.empty()
    expect(askedFor(town)).toEqual([running, missed].flatMap((job) => job?.id ?? []))
  })

  test.concurrent('one runner waits for the next job, and its place is filled when it is taken', async ({ stage }) => {
    const instance = tells ? { poll_interval: '10m', reconcile_interval: '10m' } : {}
    const town = await aTown(stage, dialect, { target: { min_idle: 1, ttl: '30m', max: 3 }, instance })
    await until('one waits', () => town.cloud.alive.some(({ jobId }) => jobId === null))
    // Longer than its `boot_timeout`.
    await stage.clock.sleep(30_000)
    const [job] = town.forge.push({ seconds: 60 })
    await until('it has the job', () => job?.runner?.name === 'cloud-1')
    await until('another waits', () => town.cloud.alive.some(({ jobId }) => jobId === null))
    await town.over()
    await town.service.look(town.forge.kind)
    // Where nobody tells which runner took it, its start may count against the one that is still to come, and one more is asked for.
    const most = namesRunners ? 2 : 3
    expect(askedFor(town)[0]).toBeNull()
    expect(town.cloud.calls.length).toBeLessThanOrEqual(most)
  })

  test.concurrent('a forge that is down for minutes is asked less and less, and served when it is back', async ({
    stage,
  }) => {
    const town = await aTown(stage, dialect, { target: { ttl: '10m' } })
    const [running] = town.forge.push({ seconds: 200 })
    const known = () => town.service.job(town.forge.kind, running?.id ?? 0)
    await until('it runs', async () => (await known()).state === 'running')
    town.forge.temper = 'breaks'
    const before = town.forge.requests.length
    if (listsJobs) town.forge.loseNext()
    const [hidden] = listsJobs ? town.forge.push({ seconds: 1 }) : []
    await stage.clock.sleep(180_000)
    // Each failed look may cost a few calls, and each is tried three times.
    expect(town.forge.requests.length - before).toBeLessThan(60)
    expect(await known()).toMatchObject({ state: 'running' })
    town.forge.temper = 'answers'
    await until('both have run', () => [running, hidden].every((job) => !job || job.conclusion === 'success'))
    await town.over()
    expect(new Set(askedFor(town))).toEqual(new Set([running, hidden].flatMap((job) => job?.id ?? [])))
  })

  test.concurrent('a workflow that is called gets runners for its jobs, and none for its call', async ({ stage }) => {
    const town = await aTown(stage, dialect)
    const jobs = town.forge.push({ name: 'release', seconds: 5, uses: [{ name: 'pack', labels, seconds: 5 }] })
    await town.over()
    await town.empty()
    expect(jobs.map(({ conclusion }) => conclusion)).toEqual(jobs.map(() => 'success'))
    expect(askedFor(town)).toEqual(jobs.flatMap(({ caller, id }) => (caller ? [] : [id])))
  })

  test.runIf(listsJobs).concurrent('a job whose webhook got lost is found and served once', async ({ stage }) => {
    const town = await aTown(stage, dialect)
    const [first] = town.forge.push({ seconds: 1 })
    await until('it has run', () => first?.conclusion === 'success')
    town.forge.world.outbox.order({ kind: 'lose', matches: ({ jobId }) => jobId !== null || !tells })
    const [lost] = town.forge.push({ seconds: 1 })
    await until('the lost one has run', () => lost?.conclusion === 'success')
    await town.over()
    await town.empty()
    expect(askedFor(town)).toEqual([first?.id, lost?.id])
  })
})
