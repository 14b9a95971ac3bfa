import { describe, expect, test } from 'vitest'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import { joinedRunner, openForge, receiver, repository, violationsOf } from '../../support/world.ts'

const repo = `/api/v1/repos/${repository}`
const versions = [11, 12, 13, 14, 15, 16, 17] as const
const of = (version: (typeof versions)[number]) => ({ kind: 'forgejo', version }) as const
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
  [16, { run_id: 1, attempt: 1, handle: expect.any(String) }],
  [17, { run_id: 1, attempt: 1, handle: expect.any(String) }],
] as const)('a job of version %s has the keys of its time', async (version, keys) => {
  const { forge, call } = await openForge(of(version))
  forge.jobs.push({ repository, jobs: [build] })
  const [job] = (await call('GET', `${repo}/actions/runners/jobs?labels=docker`)).json
  const { run_id, attempt, handle } = job
  expect({ run_id, attempt, handle }).toEqual(keys)
})

test.each([
  [11, '/api/v1/admin/runners', 200],
  [14, '/api/v1/admin/actions/runners', 404],
  [15, '/api/v1/admin/actions/runners', 200],
  [15, '/api/v1/admin/runners', 200],
] as const)("version %s answers the administrator's jobs and token below %s with %s", async (version, path, status) => {
  const { call } = await openForge(of(version))
  expect((await call('GET', `${path}/jobs?labels=docker`)).status).toBe(status)
  expect((await call('GET', `${path}/registration-token`)).status).toBe(status)
})

test('from version 15 on the job that calls a workflow is listed beside those that it calls, and nobody gets it', async () => {
  const { forge, call } = await openForge(of(15))
  forge.jobs.push({ repository, jobs: [{ name: 'release', labels: [], uses: [build] }] })
  expect((await call('GET', `${repo}/actions/runners/jobs`)).json).toMatchObject([
    { name: 'release', runs_on: null, status: 'waiting' },
    { name: 'release / build', runs_on: ['docker'], status: 'waiting' },
  ])
  expect((await call('GET', `${repo}/actions/runners/jobs?labels=docker`)).json).toHaveLength(1)
  expect(forge.runners.fetch(joinedRunner(forge, ['docker']))?.name).toBe('release / build')
})

test('from version 14 on a job that its concurrency group holds back is listed as waiting, and nobody gets it', async () => {
  const { forge, call } = await openForge(of(14))
  for (const name of ['first', 'second']) forge.jobs.push({ repository, group: 'deploy', jobs: [{ ...build, name }] })
  expect(forge.runners.fetch(joinedRunner(forge, ['docker']))?.name).toBe('first')
  const { json } = await call('GET', `${repo}/actions/runners/jobs?labels=docker`)
  expect(json).toMatchObject([
    { name: 'first', status: 'running' },
    { name: 'second', status: 'waiting' },
  ])
  expect(forge.runners.fetch(joinedRunner(forge, ['docker']))).toBeNull()
})

test('editing a hook leaves the events of ended runs as they were', async () => {
  const { call } = await openForge(of(15))
  const config = { url: 'http://127.0.0.1:9/', content_type: 'json', secret: 's' }
  const events = ['push', 'action_run_success']
  const made = await call('POST', `${repo}/hooks`, { type: 'forgejo', config, events, active: true })
  const edit = (wished: string[]) => call('PATCH', `${repo}/hooks/${made.json.id}`, { events: wished, active: true })
  expect((await edit(['create', 'action_run_failure'])).json.events).toEqual(['create', 'action_run_success'])
})

test('runners are there from version 15 on', async () => {
  const old = await openForge(of(14))
  expect((await old.call('GET', `${repo}/actions/runners`)).status).toBe(404)
  expect((await old.call('GET', `${repo}/actions/runners/registration-token`)).json.token).toEqual(expect.any(String))
  const { call } = await openForge(of(15))
  const made = await call('POST', `${repo}/actions/runners`, { name: 'r', ephemeral: true })
  expect(made).toMatchObject({ status: 201, json: { id: 1, uuid: expect.any(String), token: expect.any(String) } })
  expect((await call('GET', `${repo}/actions/runners`)).json).toMatchObject([
    { id: 1, name: 'r', status: 'offline', labels: null, ephemeral: true },
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
  const places = [repo, '/api/v1/orgs/harbour', '/api/v1/user', '/api/v1/admin']
  // Of 16 nothing is published that could be had; what it lists lies between 15 and 17.
  const described = versions.filter((version) => version !== 16)

  test.each(described.flatMap((version) => places.map((place) => [version, place] as const)))(
    'the answers of version %s at %s have the right shape',
    async (version, place) => {
      const open = await openForge(of(version))
      const spec = readSpec(`forgejo-${version === 17 ? '17-dev' : version}`, open.url)
      open.forge.jobs.push({ repository, jobs: [build, { name: 'release', labels: [], uses: [build] }] })
      const config = { url: 'http://127.0.0.1:9/', content_type: 'json' }
      const check = (method: string, path: string, sent?: unknown) => violationsOf(open, spec, method, path, sent)
      const runners = `${place}/actions/runners`
      const old = place.endsWith('/admin') ? `${place}/runners` : runners
      expect(await check('GET', '/api/v1/version')).toEqual([])
      expect(await check('GET', `${old}/jobs?labels=docker`)).toEqual([])
      expect(await check('GET', `${old}/registration-token`)).toEqual([])
      expect(await check('GET', `${runners}/jobs?labels=docker`)).toEqual([])
      expect(await check('POST', `${place}/hooks`, { type: 'forgejo', config })).toEqual([])
      expect(await check('PATCH', `${place}/hooks/1`, { active: true })).toEqual([])
      expect(await check('GET', `${place}/hooks`)).toEqual([])
      expect(await check('POST', runners, { name: 'r', ephemeral: true })).toEqual([])
      expect(await check('GET', `${runners}?visible=true`)).toEqual([])
      expect(await check('GET', `${runners}/1`)).toEqual([])
      expect(await check('DELETE', `${runners}/1`)).toEqual([])
    },
  )
})
