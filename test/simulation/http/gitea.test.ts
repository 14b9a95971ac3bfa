import { describe, expect, test } from 'vitest'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import { joinedRunner, openForge, receiver, repository, violationsOf } from '../../support/world.ts'

const repo = `/api/v1/repos/${repository}`
const of = (version: '1.24' | '1.25' | '1.26' | '1.27') => ({ kind: 'gitea', version }) as const
const build = { name: 'build', labels: ['ubuntu-latest'] }
const service = '/api/actions/runner.v1.RunnerService'

test('Gitea 1.24 has no list of jobs', async () => {
  const { call } = await openForge(of('1.24'))
  expect((await call('GET', `${repo}/actions/jobs?status=queued`)).status).toBe(404)
})

test('queued and blocked are told apart: a job with unmet needs is called waiting', async () => {
  const { forge, call } = await openForge(of('1.26'))
  forge.jobs.push({ repository, jobs: [build, { ...build, name: 'deploy', needs: ['build'] }] })
  const names = async (query: string) =>
    (await call('GET', `${repo}/actions/jobs?${query}`)).json.jobs.map((job: { name: string }) => job.name)
  expect(await names('status=queued')).toEqual(['build'])
  expect(await names('status=waiting')).toEqual(['deploy'])
  expect(await names('status=queued&status=waiting')).toEqual(['build', 'deploy'])
  expect((await call('GET', `${repo}/actions/jobs?status=nonsense`)).status).toBe(400)
})

test('what is not yet is the epoch or absent, and no labels are null', async () => {
  const { forge, call } = await openForge(of('1.26'))
  forge.jobs.push({ repository, jobs: [{ name: 'any', labels: [] }] })
  const [job] = (await call('GET', `${repo}/actions/jobs`)).json.jobs
  expect(job).toMatchObject({ labels: null, started_at: '1970-01-01T00:00:00Z', completed_at: '1970-01-01T00:00:00Z' })
  expect(job).not.toHaveProperty('conclusion')
  expect(job).not.toHaveProperty('runner_id')
})

test.each([
  ['1.25', null],
  ['1.26', '1'],
] as const)('the job list of %s has the total header %s', async (version, total) => {
  const { forge, call } = await openForge(of(version))
  forge.jobs.push({ repository, jobs: [build] })
  expect((await call('GET', `${repo}/actions/jobs`)).headers.get('x-total-count')).toBe(total)
})

test.each([
  ['1.25', 200, 404],
  ['1.26', 404, 200],
] as const)(
  '%s answers GET for a registration token with %s and PATCH of a runner with %s',
  async (version, get, patch) => {
    const { forge, call } = await openForge(of(version))
    joinedRunner(forge)
    expect((await call('GET', `${repo}/actions/runners/registration-token`)).status).toBe(get)
    expect((await call('POST', `${repo}/actions/runners/registration-token`)).status).toBe(200)
    expect((await call('PATCH', `${repo}/actions/runners/1`, { disabled: true })).status).toBe(patch)
  },
)

test('runners come with a total, labels as objects, and no link', async () => {
  const { forge, call } = await openForge(of('1.26'))
  for (let i = 0; i < 31; i++) joinedRunner(forge, ['ubuntu-latest'])
  const { json, headers } = await call('GET', `${repo}/actions/runners`)
  expect(json.runners).toHaveLength(30)
  expect(json).toMatchObject({
    total_count: 31,
    runners: expect.arrayContaining([
      expect.objectContaining({
        status: 'online',
        busy: false,
        labels: [{ id: 0, name: 'ubuntu-latest', type: 'custom' }],
      }),
    ]),
  })
  expect(headers.get('link')).toBeNull()
})

test('the admin list shows runners of every scope, an organization only its own', async () => {
  const { forge, call } = await openForge(of('1.26'))
  joinedRunner(forge)
  expect((await call('GET', '/api/v1/admin/actions/runners')).json.total_count).toBe(1)
  expect((await call('GET', '/api/v1/orgs/harbour/actions/runners')).json.total_count).toBe(0)
})

test('editing a hook resets what is not said, and never changes the secret', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const config = { url: 'http://127.0.0.1:9/', content_type: 'json', secret: 'first' }
  const body = { type: 'gitea', config, events: ['workflow_job'], active: true, branch_filter: 'main' }
  const { json } = await call('POST', `${repo}/hooks`, body)
  expect(json).toMatchObject({ events: ['workflow_job'], active: true, branch_filter: 'main' })
  const edited = await call('PATCH', `${repo}/hooks/${json.id}`, { config: { secret: 'second' } })
  expect(edited.json).toMatchObject({ events: ['push'], active: true, branch_filter: '' })
  expect(forge.ground.hooks.get(json.id)?.secret).toBe('first')
})

test('a hook at the admin place is a mere template unless it says that it is a system hook', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const create = (config: object) =>
    call('POST', '/api/v1/admin/hooks', {
      type: 'gitea',
      events: ['workflow_job'],
      active: true,
      config: { url: 'http://127.0.0.1:9/', content_type: 'json', ...config },
    })
  await create({})
  await create({ is_system_webhook: 'true' })
  forge.jobs.push({ repository, jobs: [build] })
  expect(forge.outbox.made.map(({ hookId }) => hookId)).toEqual([2])
})

test('a hook without a url is refused with 422', async () => {
  const { call } = await openForge(of('1.26'))
  expect((await call('POST', `${repo}/hooks`, { type: 'gitea', config: { content_type: 'json' } })).status).toBe(422)
})

test('each step of a job is an event of its own', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const inbox = await receiver()
  const config = { url: inbox.url, content_type: 'json', secret: 's' }
  await call('POST', `${repo}/hooks`, { type: 'gitea', config, events: ['workflow_job'], active: true })
  forge.jobs.push({ repository, jobs: [build] })
  const runner = joinedRunner(forge, ['ubuntu-latest'])
  forge.runners.report(runner, forge.runners.fetch(runner)!.taskId, 'success')
  const told = (await inbox.until(3)).map(({ body }) => JSON.parse(body))
  expect(told.map(({ action }) => action).sort()).toEqual(['completed', 'in_progress', 'queued'])
  expect(told.find(({ action }) => action === 'completed')).toMatchObject({
    workflow_job: { status: 'completed', conclusion: 'success', runner_name: 'runner-1', labels: ['ubuntu-latest'] },
    organization: { username: 'harbour' },
    repository: { full_name: repository, owner: { login: 'harbour' } },
  })
})

test('a runner registers with the right token only', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const token = forge.runners.registrationToken({ level: 'repository', owner: 'harbour', name: 'lighthouse' })
  const register = (given: string) =>
    call('POST', `${service}/Register`, { name: 'r', token: given, labels: ['ubuntu-latest'], ephemeral: true })
  expect(await register('wrong')).toMatchObject({ status: 500, json: { code: 'unknown' } })
  expect(await register(token)).toMatchObject({
    status: 200,
    json: { runner: { id: '1', name: 'r', uuid: expect.any(String), token: expect.any(String), ephemeral: true } },
  })
})

test('a runner that knows the newest queue is given nothing, a fresh one asks with 0', async () => {
  const { forge, call } = await openForge(of('1.26'))
  forge.jobs.push({ repository, jobs: [build] })
  const { uuid, token } = joinedRunner(forge, ['ubuntu-latest'])
  const headers = { 'x-runner-uuid': uuid, 'x-runner-token': token }
  const ask = (tasksVersion: string) => call('POST', `${service}/FetchTask`, { tasksVersion }, headers)
  const stale = await ask('2')
  expect(stale.json).toEqual({ tasksVersion: '2' })
  expect((await ask('0')).json).toMatchObject({ task: { id: '1' }, tasksVersion: '2' })
})

test('a runner that is gone is unauthenticated', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const runner = joinedRunner(forge)
  forge.runners.remove(runner)
  const headers = { 'x-runner-uuid': runner.uuid, 'x-runner-token': runner.token }
  expect(await call('POST', `${service}/FetchTask`, {}, headers)).toMatchObject({
    status: 401,
    json: { code: 'unauthenticated' },
  })
})

describe.skipIf(!haveSpecs)('by what Gitea publishes,', () => {
  test.each(['1.24', '1.25', '1.26', '1.27'] as const)(
    'the answers of version %s have the right shape',
    async (version) => {
      const open = await openForge(of(version))
      const spec = readSpec(`gitea-${version}`, open.url)
      open.forge.jobs.push({ repository, jobs: [build] })
      joinedRunner(open.forge, ['ubuntu-latest'])
      const config = { url: 'http://127.0.0.1:9/', content_type: 'json' }
      expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runners`)).toEqual([])
      expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runners/1`)).toEqual([])
      expect(await violationsOf(open, spec, 'POST', `${repo}/actions/runners/registration-token`)).toEqual([])
      expect(await violationsOf(open, spec, 'POST', `${repo}/hooks`, { type: 'gitea', config })).toEqual([])
      expect(await violationsOf(open, spec, 'GET', `${repo}/hooks`)).toEqual([])
      if (version === '1.24') return
      expect(await violationsOf(open, spec, 'GET', `${repo}/actions/jobs?status=queued&limit=50`)).toEqual([])
      expect(await violationsOf(open, spec, 'GET', `${repo}/actions/jobs/1`)).toEqual([])
      expect(await violationsOf(open, spec, 'GET', `${repo}/actions/runs/1`)).toEqual([])
    },
  )
})
