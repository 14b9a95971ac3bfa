import { describe, expect, test } from 'vitest'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import { joinedRunner, openForge, receiver, repository, violationsOf } from '../../support/world.ts'

const repo = `/api/v1/repos/${repository}`
const of = (version: 11 | 13 | 14 | 15 | 17) => ({ kind: 'forgejo', version }) as const
const build = { name: 'build', labels: ['docker'] }

test('the version names the Gitea that it came from', async () => {
  const { call } = await openForge(of(15))
  expect((await call('GET', '/api/v1/version')).json).toEqual({ version: '15.0.3+gitea-1.22.0' })
  expect((await call('GET', '/api/forgejo/v1/version')).status).toBe(200)
})

test('a wrong token is refused with 401, and one that does not reach with 403', async () => {
  const { call } = await openForge(of(15), { tokenScopes: ['admin'] })
  const wrong = { authorization: 'token wrong' }
  expect((await call('GET', `${repo}/actions/runners/jobs`, undefined, wrong)).status).toBe(401)
  expect((await call('GET', `${repo}/actions/runners/jobs`)).status).toBe(403)
  expect((await call('GET', '/api/v1/admin/actions/runners/jobs')).status).toBe(200)
})

test('a list without jobs is null, not an empty list', async () => {
  const { call } = await openForge(of(15))
  expect((await call('GET', `${repo}/actions/runners/jobs`)).json).toBeNull()
})

test('waiting and running jobs are listed that a runner with exactly these labels could run', async () => {
  const { forge, call } = await openForge(of(15))
  forge.jobs.push({
    repository,
    jobs: [build, { ...build, name: 'deploy', needs: ['build'] }, { name: 'train', labels: ['docker', 'gpu'] }],
  })
  forge.runners.fetch(joinedRunner(forge, ['docker']))
  const { json } = await call('GET', `${repo}/actions/runners/jobs?labels=docker,other`)
  expect(json).toMatchObject([{ name: 'build', status: 'running', runs_on: ['docker'], needs: null, attempt: 1 }])
  const all = await call('GET', `${repo}/actions/runners/jobs?labels=docker,gpu`)
  expect(all.json.map((job: { name: string; status: string }) => `${job.name} ${job.status}`)).toEqual([
    'build running',
    'train waiting',
  ])
})

test.each([
  [13, null],
  [14, 'build'],
] as const)('without labels, version %s lists %s', async (version, name) => {
  const { forge, call } = await openForge(of(version))
  forge.jobs.push({ repository, jobs: [build] })
  const { json } = await call('GET', `${repo}/actions/runners/jobs`)
  expect(json?.[0].name ?? null).toBe(name)
})

test.each([
  [14, { run_id: undefined, attempt: undefined, handle: undefined }],
  [15, { run_id: undefined, attempt: 1, handle: expect.any(String) }],
  [17, { run_id: 1, attempt: 1, handle: expect.any(String) }],
] as const)('a job of version %s has the keys of its time', async (version, keys) => {
  const { forge, call } = await openForge(of(version))
  forge.jobs.push({ repository, jobs: [build] })
  const [job] = (await call('GET', `${repo}/actions/runners/jobs?labels=docker`)).json
  const { run_id, attempt, handle } = job
  expect({ run_id, attempt, handle }).toEqual(keys)
})

test('runners are there from version 15 on', async () => {
  const old = await openForge(of(14))
  expect((await old.call('GET', `${repo}/actions/runners`)).status).toBe(404)
  expect((await old.call('GET', `${repo}/actions/runners/registration-token`)).json.token).toEqual(expect.any(String))
  const { call } = await openForge(of(15))
  const made = await call('POST', `${repo}/actions/runners`, { name: 'r', ephemeral: true })
  expect(made).toMatchObject({ status: 201, json: { id: 1, uuid: expect.any(String), token: expect.any(String) } })
  expect((await call('GET', `${repo}/actions/runners`)).json).toMatchObject([
    { id: 1, name: 'r', status: 'offline', labels: [], ephemeral: true },
  ])
  expect((await call('DELETE', `${repo}/actions/runners/1`)).status).toBe(204)
  expect((await call('DELETE', `${repo}/actions/runners/1`)).status).toBe(404)
})

test('runners come in pages of at most 50, with a link and a total', async () => {
  const { forge, call } = await openForge(of(15))
  for (let i = 0; i < 60; i++) joinedRunner(forge)
  const first = await call('GET', `${repo}/actions/runners?limit=100`)
  expect(first.json).toHaveLength(50)
  expect(first.headers.get('x-total-count')).toBe('60')
  expect(first.headers.get('link')).toContain('page=2>; rel="next"')
  const second = await call('GET', `${repo}/actions/runners?limit=100&page=2`)
  expect(second.json).toHaveLength(10)
  expect(second.headers.get('link')).not.toContain('next')
})

test('a repository is found by its id', async () => {
  const { call } = await openForge(of(15))
  expect((await call('GET', '/api/v1/repositories/1')).json).toMatchObject({ id: 1, full_name: repository })
  expect((await call('GET', '/api/v1/repositories/2')).status).toBe(404)
})

test('a hook for job events is made without them, and says so only by its events', async () => {
  const { call } = await openForge(of(15))
  const config = { url: 'http://127.0.0.1:9/', content_type: 'json', secret: 's' }
  const made = await call('POST', `${repo}/hooks`, { type: 'forgejo', config, events: ['workflow_job', 'push'] })
  expect(made).toMatchObject({ status: 201, json: { events: ['push'], active: false } })
  expect(JSON.stringify(made.json)).not.toContain('secret')
})

test('a push and the end of a run are told, a queued job is not', async () => {
  const { forge, call } = await openForge(of(15))
  const inbox = await receiver()
  const config = { url: inbox.url, content_type: 'json', secret: 's' }
  const events = ['push', 'action_run_success', 'workflow_job_waiting']
  await call('POST', `${repo}/hooks`, { type: 'forgejo', config, events, active: true })
  const { id } = forge.jobs.push({ repository, jobs: [build] })
  forge.jobs.finish(forge.jobs.ofRun(id)[0]!, 'success')
  const all = await inbox.until(2)
  expect(all.map(({ headers }) => headers.get('x-forgejo-event')).sort()).toEqual(['action_run_success', 'push'])
})

test('a Forgejo that sends job events tells each status by an event of its own', async () => {
  const { forge, call } = await openForge({ ...of(17), jobEvents: true })
  const inbox = await receiver()
  const config = { url: inbox.url, content_type: 'json', secret: 's' }
  await call('POST', `${repo}/hooks`, { type: 'forgejo', config, events: ['workflow_job_waiting'], active: true })
  forge.jobs.push({ repository, jobs: [build] })
  const [delivery] = await inbox.until(1)
  expect(delivery?.headers.get('x-forgejo-event')).toBe('workflow_job_waiting')
  expect(JSON.parse(delivery?.body ?? '')).toMatchObject({
    action: 'waiting',
    job: { name: 'build', runs_on: ['docker'], status: 'waiting', attempt: 1 },
    repository: { full_name: repository },
  })
})

describe.skipIf(!haveSpecs)('by what Forgejo publishes,', () => {
  test.each([
    [11, 'forgejo-11'],
    [13, 'forgejo-13'],
    [14, 'forgejo-14'],
    [15, 'forgejo-15'],
    [17, 'forgejo-17-dev'],
  ] as const)('the answers of version %s have the right shape', async (version, name) => {
    const open = await openForge(of(version))
    const spec = readSpec(name, open.url)
    open.forge.jobs.push({ repository, jobs: [build] })
    const config = { url: 'http://127.0.0.1:9/', content_type: 'json' }
    expect(await violationsOf(open, spec, 'GET', '/api/v1/version')).toEqual([])
    expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runners/jobs?labels=docker`)).toEqual([])
    expect(await violationsOf(open, spec, 'POST', `${repo}/hooks`, { type: 'forgejo', config })).toEqual([])
    expect(await violationsOf(open, spec, 'GET', `${repo}/hooks`)).toEqual([])
    if (version < 15) return
    expect(await violationsOf(open, spec, 'POST', `${repo}/actions/runners`, { name: 'r' })).toEqual([])
    expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runners`)).toEqual([])
    expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runners/1`)).toEqual([])
  })
})
