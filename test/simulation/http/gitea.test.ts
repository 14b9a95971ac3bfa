import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import {
  handClock,
  joinedRunner,
  openForge,
  receiver,
  repository,
  repositoryScope,
  violationsOf,
} from '../../support/world.ts'

const repo = `/api/v1/repos/${repository}`
const of = (version: '1.24' | '1.25' | '1.26' | '1.27') => ({ kind: 'gitea', version }) as const
const build = { name: 'build', labels: ['ubuntu-latest'] }
const service = '/api/actions/runner.v1.RunnerService'
const ascending = (a: number, b: number) => a - b

interface Job {
  id: number
}

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
  expect((await names('status=queued&status=waiting')).sort()).toEqual(['build', 'deploy'])
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
  ['1.24', 200, 405],
  ['1.25', 200, 405],
  ['1.26', 405, 200],
  ['1.27', 405, 200],
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

test.each([
  ['1.25', 200],
  ['1.26', 404],
] as const)("%s answers GET for the administrator's old token path with %s", async (version, status) => {
  const { call } = await openForge(of(version))
  expect((await call('GET', '/api/v1/admin/runners/registration-token')).status).toBe(status)
  expect((await call('POST', '/api/v1/admin/actions/runners/registration-token')).status).toBe(200)
})

test('without an order of its own, a list comes in another one after each write; 1.27 goes by ids', async () => {
  const orders = async (version: '1.25' | '1.27') => {
    const { forge, call } = await openForge(of(version))
    const ids = async () => (await call('GET', `${repo}/actions/jobs?limit=50`)).json.jobs.map(({ id }: Job) => id)
    forge.jobs.push({ repository, jobs: Array.from({ length: 12 }, (_, i) => ({ ...build, name: `job-${i}` })) })
    const [first, same] = [await ids(), await ids()]
    forge.jobs.cancel(1)
    return [first, same, await ids()]
  }
  const [first, same, later] = await orders('1.25')
  expect(same).toEqual(first)
  expect(later).not.toEqual(first)
  expect(later.toSorted(ascending)).toEqual(first.toSorted(ascending))
  for (const order of await orders('1.27')) expect(order).toEqual(order.toSorted(ascending))
})

test.each([
  ['1.26', 200],
  ['1.27', 422],
] as const)('an order that there is not is answered by %s with %s', async (version, status) => {
  const { call } = await openForge(of(version))
  expect((await call('GET', `${repo}/actions/jobs?sort=colour`)).status).toBe(status)
  expect((await call('GET', `${repo}/actions/jobs?sort=id&order=up`)).status).toBe(status)
  expect((await call('GET', `${repo}/actions/jobs?sort=id&order=desc`)).status).toBe(200)
})

test('no page is longer than the server allows, whatever is asked for', async () => {
  const { forge, call } = await openForge(of('1.26'), { maxResponseItems: 2 })
  forge.jobs.push({ repository, jobs: ['one', 'two', 'three'].map((name) => ({ ...build, name })) })
  const page = await call('GET', `${repo}/actions/jobs?limit=50`)
  expect(page.json.jobs).toHaveLength(2)
  expect(page.json.total_count).toBe(3)
  expect(page.headers.get('link')).toContain('page=2')
})

test.each([
  ['1.26', [{ name: 'release', labels: null }]],
  [
    '1.27',
    [
      { name: 'release', labels: null },
      { name: 'release / publish', labels: ['ubuntu-latest'] },
    ],
  ],
] as const)('on %s a job that calls a workflow is listed as %j', async (version, listed) => {
  const { forge, call } = await openForge(of(version))
  forge.jobs.push({ repository, jobs: [{ name: 'release', labels: [], uses: [{ ...build, name: 'publish' }] }] })
  const { json } = await call('GET', `${repo}/actions/jobs?status=queued`)
  expect(json.jobs).toEqual(expect.arrayContaining(listed.map((job) => expect.objectContaining(job))))
  expect(json.total_count).toBe(listed.length)
})

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

test('a runner that takes more than one job is registered without a word of it, as protobuf writes what is false', async () => {
  const { forge, call } = await openForge(of('1.26'))
  const token = forge.runners.registrationToken(repositoryScope)
  const { json } = await call('POST', `${service}/Register`, { name: 'r', token })
  expect(Object.keys(json.runner).sort()).toEqual(['id', 'name', 'token', 'uuid'])
})

test('the service of runners knows POST alone, and shows by that that it is there', async () => {
  const { call } = await openForge(of('1.26'))
  expect((await call('GET', `${service}/Register`)).status).toBe(405)
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

test('a runner at work is removed without a word, and its job goes on until nobody has reported for ten minutes', async () => {
  const clock = handClock()
  const { forge, call } = await openForge(of('1.26'), { clock })
  forge.jobs.push({ repository, jobs: [build] })
  const runner = joinedRunner(forge, ['ubuntu-latest'])
  const job = forge.runners.fetch(runner)
  expect((await call('DELETE', `${repo}/actions/runners/${runner.id}`)).status).toBe(204)
  expect(job?.status).toBe('running')
  clock.pass(10 * 60_000 + 1)
  expect((await call('GET', `${repo}/actions/jobs/${job?.id}`)).json).toMatchObject({ conclusion: 'failure' })
})

test('a runner is busy until ten seconds after its last report, and online until a minute after its last call', async () => {
  const clock = handClock()
  const { forge, call } = await openForge(of('1.26'), { clock })
  forge.jobs.push({ repository, jobs: [build] })
  const runner = joinedRunner(forge, ['ubuntu-latest'])
  forge.runners.fetch(runner)
  const seen = async () => (await call('GET', `${repo}/actions/runners/${runner.id}`)).json
  expect(await seen()).toMatchObject({ status: 'online', busy: true })
  clock.pass(10_001)
  expect(await seen()).toMatchObject({ status: 'online', busy: false })
  clock.pass(50_000)
  expect(await seen()).toMatchObject({ status: 'offline', busy: false })
})

describe.skipIf(!haveSpecs)('by what Gitea publishes,', () => {
  const places = [repo, '/api/v1/orgs/harbour', '/api/v1/user', '/api/v1/admin']
  const versions = ['1.24', '1.25', '1.26', '1.27'] as const

  test.each(versions.flatMap((version) => places.map((place) => [version, place] as const)))(
    'the answers of version %s at %s have the right shape',
    async (version, place) => {
      const { repositories, scope } = homeOf(place)
      const open = await openForge(of(version), { repositories })
      const spec = readSpec(`gitea-${version}`, open.url)
      open.forge.jobs.push({
        repository: `${repositories[0].owner}/lighthouse`,
        jobs: [build, { name: 'release', labels: [], uses: [build] }],
      })
      joinedRunner(open.forge, ['ubuntu-latest'], { scope })
      const config = { url: 'http://127.0.0.1:9/', content_type: 'json' }
      const check = (method: string, path: string, sent?: unknown) => violationsOf(open, spec, method, path, sent)
      expect(await check('GET', `${place}/actions/runners`)).toEqual([])
      expect(await check('GET', `${place}/actions/runners/1`)).toEqual([])
      expect(await check('POST', `${place}/actions/runners/registration-token`)).toEqual([])
      expect(await check('POST', `${place}/hooks`, { type: 'gitea', config })).toEqual([])
      expect(await check('GET', `${place}/hooks`)).toEqual([])
      expect(await check('PATCH', `${place}/hooks/1`, { active: true })).toEqual([])
      expect(await check('PATCH', `${place}/actions/runners/1`, { disabled: true })).toEqual([])
      expect(await check('GET', `${place}/actions/jobs?status=queued&limit=50`)).toEqual([])
      expect(await check('DELETE', `${place}/actions/runners/1`)).toEqual([])
      if (version === '1.24' || place !== repo) return
      expect(await check('GET', `${place}/actions/jobs/1`)).toEqual([])
      expect(await check('GET', `${place}/actions/runs/1`)).toEqual([])
      expect(await check('GET', `${place}/actions/runs/1/jobs`)).toEqual([])
    },
  )
})

/** Whose repository it is that a place shows, and the scope of its runners. */
function homeOf(place: string) {
  const own = place.endsWith('/user')
  const owner = own ? 'robin' : 'harbour'
  const ownerKind = own ? ('user' as const) : ('organization' as const)
  const scopes: Record<string, Scope> = {
    [repo]: repositoryScope,
    '/api/v1/orgs/harbour': { level: 'organization', owner, name: null },
    '/api/v1/user': { level: 'user', owner, name: null },
  }
  const scope: Scope = scopes[place] ?? { level: 'instance', owner: null, name: null }
  return { repositories: [{ owner, name: 'lighthouse', ownerKind }] as const, scope }
}
