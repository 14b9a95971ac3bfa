import { expect } from 'vitest'
import { journey } from './stage.ts'
import { started } from './staged-dispatcher.ts'
import { until } from './until.ts'

// An idle runner is believed in for a minute.
const test = journey(20)

test.concurrent('each job says why it has, or has not, a runner', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'github' })
  const dispatcher = await stage.dispatcher()
  const instance = forge.instance({
    scope: { level: 'organization', owner: 'harbour' },
    targets: [
      { name: 'linux', labels: ['linux'], max: 1 },
      { name: 'guarded', labels: ['gpu'], allow_repos: ['harbour/breakwater'] },
    ],
  })
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [instance] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look('github')
  const [covered, full, , waiting, unmatched, notAllowed, hosted] = forge.push(
    { name: 'covered' },
    { name: 'full' },
    { name: 'blocked', needs: ['covered'] },
    { name: 'waiting', approval: true },
    { name: 'unmatched', labels: ['self-hosted', 'Windows'] },
    { name: 'not allowed', labels: ['self-hosted', 'GPU'] },
    { name: 'hosted', labels: ['ubuntu-latest'] },
  )
  const verdictOf = async (job: { id: number } | undefined) => (await service.job('github', job?.id ?? 0)).verdict
  await until(
    'all are judged',
    async () => (await service.jobs()).filter(({ verdict }) => verdict !== null).length === 5,
  )
  await service.look('github')
  expect(await service.job('github', covered?.id ?? 0)).toMatchObject({ verdict: 'covered', target: 'linux' })
  expect(await service.job('github', full?.id ?? 0)).toMatchObject({ verdict: 'full', target: 'linux' })
  expect(await service.job('github', waiting?.id ?? 0)).toMatchObject({ verdict: 'waiting', state: 'waiting' })
  expect(await service.job('github', unmatched?.id ?? 0)).toMatchObject({ verdict: 'unmatched', target: null })
  expect(await service.job('github', notAllowed?.id ?? 0)).toMatchObject({ verdict: 'not_allowed', target: null })
  expect(await service.get(`jobs/github/${hosted?.id}`)).toMatchObject({ status: 404 })
  expect(dispatcher.calls.map(({ job }) => job)).toEqual([`github/${covered?.id}`])

  expect(await service.metric('muster_jobs', { verdict: 'full', target: 'linux' })).toBe(1)
  expect(await service.metric('muster_jobs', { verdict: 'unmatched' })).toBe(1)
  forge.world.jobs.cancel(full?.id ?? 0)
  await until('the cancelled one is over', async () => (await verdictOf(full)) === null)
  await service.look('github')
  expect(await service.metric('muster_oldest_uncovered_job_seconds', { instance: 'github' })).toBe(0)

  forge.world.jobs.approve(waiting?.id ?? 0)
  await until('the approved one waits for a place', async () => (await verdictOf(waiting)) === 'full')
  const taken = forge.take(forge.runner('cloud-1', ['linux', 'self-hosted']))
  expect(taken?.id).toBe(covered?.id)
  await until('it runs', async () => (await verdictOf(covered)) === 'running')
  if (taken) forge.finish(taken)
  await until('another is asked for', () => dispatcher.calls.length === 2)
  const { trail } = await service.job('github', covered?.id ?? 0)
  expect(trail.map(({ type }: { type: string }) => type)).toEqual(
    expect.arrayContaining(['dispatch_sent', 'dispatch_accepted', 'runner_tied']),
  )
})

test.concurrent('a job that is cancelled while it waits gives its runner to the next one', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [first] = forge.push({})
  await until('a runner is asked for', () => dispatcher.calls.length === 1)
  forge.world.jobs.cancel(first?.id ?? 0)
  await until('it is over', async () => (await service.job('gitea', first?.id ?? 0)).state === 'finished')
  expect(await service.job('gitea', first?.id ?? 0)).toMatchObject({ conclusion: 'cancelled', verdict: null })

  const [second] = forge.push({})
  await until('it is covered', async () => (await service.job('gitea', second?.id ?? 0)).verdict === 'covered')
  expect(forge.take(forge.runner('cloud-1'))?.id).toBe(second?.id)
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(1)
})

test.concurrent('a re-run under the same id is another round, and gets another runner', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [job] = forge.push({})
  for (const round of [1, 2, 3]) {
    await until('a runner is asked for', () => dispatcher.calls.length === round)
    const taken = forge.take(forge.runner(`cloud-${round}`))
    if (taken) forge.finish(taken)
    await until('it is over', async () => (await service.job('gitea', job?.id ?? 0)).state === 'finished')
    if (round < 3) forge.world.jobs.rerun(job?.runId ?? 0)
  }
  await service.look('gitea')
  expect(dispatcher.calls).toHaveLength(3)
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ round: 3, state: 'finished' })
  expect((await service.get(`jobs/gitea/${job?.id}?round=1`)).json).toMatchObject({ round: 1, state: 'finished' })
})

test.concurrent('a foreign runner that waits is given the job, and nothing is started', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const foreign = forge.runner('somebody-elses')
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  forge.world.runners.contact(foreign)
  await service.look('gitea')
  const [job] = forge.push({})
  await until('it is covered', async () => (await service.job('gitea', job?.id ?? 0)).verdict === 'covered')
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ covered_by: { runner: 'somebody-elses' } })
  await service.look('gitea')
  expect(dispatcher.calls).toEqual([])

  // It never takes the job: after a minute nobody believes in it any more.
  forge.world.runners.contact(foreign)
  await until('one of ours is asked for', () => dispatcher.calls.length === 1)
  expect(forge.world.ground.runners.get(foreign.id)?.goneAt).toBeNull()
})

test.concurrent('a paused instance takes deliveries and dispatches nothing, also after a restart, and tells by whom and why', async ({
  stage,
}) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ labels: ['linux'], min_idle: 0 }]
  const configuration = { dispatcher: { url: dispatcher.url }, instances: [forge.instance({ targets })] }
  const first = await stage.start(configuration)
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const pause = { by: 'local', reason: 'the disk is being replaced' }
  expect(await first.post('instances/gitea/pause', { reason: pause.reason })).toMatchObject({ json: { pause } })
  const [job] = forge.push({})
  await until('the job is known', async () => (await first.job('gitea', job?.id ?? 0)).verdict === 'paused')
  await first.look('gitea')
  await first.stop()

  const second = await stage.start(configuration)
  await second.look('gitea')
  expect(await second.instance('gitea')).toMatchObject({ paused: true, pause })
  expect(await second.job('gitea', job?.id ?? 0)).toMatchObject({ verdict: 'paused' })
  expect(dispatcher.calls).toEqual([])
  expect(await second.post('instances/gitea/resume')).toMatchObject({ status: 200, json: { paused: false } })
  await until('the dispatcher is asked', () => dispatcher.calls.length === 1)
})

test.concurrent('dry_run says once what it would do, and does nothing', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  const targets = [{ name: 'linux', labels: ['linux'], min_idle: 1 }]
  const service = await stage.start({
    dry_run: true,
    dispatcher: { url: dispatcher.url },
    instances: [forge.instance({ targets })],
  })
  const [job] = forge.push({})
  const said = () => service.log.filter((line) => line.includes('dry run')).map((line) => JSON.parse(line).wanted)
  const wishes = [
    { target: 'linux', job: `${job?.id}/1` },
    { target: 'linux', job: null },
  ]
  await until('it is said', () => JSON.stringify(said().at(-1)) === JSON.stringify(wishes))
  await service.look('gitea')
  await service.look('gitea')
  expect(await service.job('gitea', job?.id ?? 0)).toMatchObject({ verdict: 'dispatching', target: 'linux' })
  expect(await service.instance('gitea')).toMatchObject({ dry_run: true })
  expect(said().filter((wanted) => wanted.length === wishes.length)).toEqual([wishes])
  expect(await service.dispatches()).toEqual([])
  expect(dispatcher.calls).toEqual([])
  expect(forge.world.ground.hooks.size).toBe(0)
  expect(forge.writes).toEqual([])
})

test.concurrent('a job that is held back is tried again at once when somebody retries it', async ({ stage }) => {
  const forge = await stage.forge({ kind: 'gitea', version: '1.26' })
  const dispatcher = await stage.dispatcher()
  dispatcher.behave((_, __, request) => void request.socket.destroy())
  const service = await stage.start({ dispatcher: { url: dispatcher.url }, instances: [forge.instance()] })
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  const [job] = forge.push({})
  await until('nobody knows whether it was started', async () => (await service.list('dispatches?state=unknown'))[0])
  dispatcher.behave((_, answer) => started(answer, 'cloud-2'))
  const retried = await service.post(`jobs/gitea/${job?.id}/retry`)
  expect(retried).toMatchObject({ status: 200, json: { effects: ['unknown_given_up'], job: { state: 'queued' } } })
  await until('another is asked for', () => dispatcher.calls.length === 2)
  const { trail } = await service.job('gitea', job?.id ?? 0)
  expect(trail).toContainEqual(
    expect.objectContaining({ type: 'job_retried', detail: { by: 'local', effects: 'unknown_given_up' } }),
  )
  expect(await service.post(`jobs/gitea/${job?.id}/retry`)).toMatchObject({ status: 409 })
  // The first start still counts: its runner may be there.
  expect(await service.list('dispatches?live=true')).toHaveLength(2)
})
