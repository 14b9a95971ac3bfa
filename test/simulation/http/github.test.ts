import { expect, test } from 'vitest'
import { validateWebhook } from '../../support/github-schemas.ts'
import { joinedRunner, openForge, receiver, repository } from '../../support/world.ts'

const repo = `/api/v3/repos/${repository}`
const github = { kind: 'github' } as const
const build = { name: 'build', labels: ['self-hosted', 'linux'] }
const hookWith = (url: string, over: object = {}) => ({
  name: 'web',
  events: ['workflow_job'],
  config: { url, content_type: 'json', secret: 's' },
  ...over,
})
const jit = (over: object = {}) => ({ name: 'r', runner_group_id: 1, labels: ['self-hosted', 'linux'], ...over })

test('a wrong token is refused with 401', async () => {
  const { call } = await openForge(github)
  expect((await call('GET', `${repo}/actions/runs`, undefined, { authorization: 'token wrong' })).status).toBe(401)
})

test('only a server of its own tells its version', async () => {
  const { call } = await openForge({ kind: 'github', server: '3.17.4' })
  expect((await call('GET', '/api/v3/meta')).json).toMatchObject({ installed_version: '3.17.4' })
  const hosted = await openForge(github)
  expect((await hosted.call('GET', '/api/v3/meta')).json).not.toHaveProperty('installed_version')
})

test('runs are listed by status, and jobs only per run', async () => {
  const { forge, call } = await openForge(github)
  const { id } = forge.jobs.push({ repository, jobs: [build, { ...build, name: 'deploy', needs: ['build'] }] })
  const queued = await call('GET', `${repo}/actions/runs?status=queued`)
  expect(queued.json).toMatchObject({ total_count: 1, workflow_runs: [{ id, status: 'queued' }] })
  const { json } = await call('GET', `${repo}/actions/runs/${id}/jobs?filter=latest`)
  expect(json).toMatchObject({ total_count: 1, jobs: [{ name: 'build', status: 'queued', runner_id: null }] })
  expect((await call('GET', '/api/v3/orgs/harbour/actions/runs')).status).toBe(404)
})

test('job ids are beyond 32 bits', async () => {
  const { forge } = await openForge(github)
  const { id } = forge.jobs.push({ repository, jobs: [build] })
  expect(forge.jobs.ofRun(id)[0]!.id).toBeGreaterThan(2 ** 31)
})

test('a run is in progress as soon as one of its jobs has begun', async () => {
  const { forge, call } = await openForge(github)
  forge.jobs.push({ repository, jobs: [build, { ...build, name: 'other' }] })
  forge.runners.fetch(joinedRunner(forge, ['self-hosted', 'linux']))
  expect((await call('GET', `${repo}/actions/runs?status=queued`)).json.total_count).toBe(0)
  expect((await call('GET', `${repo}/actions/runs?status=in_progress`)).json.total_count).toBe(1)
})

test('an unchanged list is answered with 304', async () => {
  const { call } = await openForge(github)
  const tag = (await call('GET', `${repo}/actions/runs`)).headers.get('etag') ?? ''
  expect(tag).toMatch(/^W\//)
  expect((await call('GET', `${repo}/actions/runs`, undefined, { 'if-none-match': tag })).status).toBe(304)
})

test('a JIT configuration makes an offline runner with exactly these labels, once per name', async () => {
  const { call } = await openForge(github)
  const made = await call('POST', `${repo}/actions/runners/generate-jitconfig`, jit({ labels: ['linux'] }))
  expect(made).toMatchObject({ status: 201, json: { runner: { name: 'r', os: 'unknown', status: 'offline' } } })
  expect(made.json.runner.labels.map(({ name }: { name: string }) => name)).toEqual(['linux'])
  const files = JSON.parse(Buffer.from(made.json.encoded_jit_config, 'base64').toString())
  expect(Object.keys(files)).toEqual(['.runner', '.credentials', '.credentials_rsaparams'])
  const again = await call('POST', `${repo}/actions/runners/generate-jitconfig`, jit())
  expect(again).toMatchObject({ status: 409, json: { message: expect.stringContaining('Already exists') } })
  expect((await call('POST', `${repo}/actions/runners/generate-jitconfig`, jit({ labels: [] }))).status).toBe(422)
})

test('a busy runner cannot be deleted', async () => {
  const { forge, call } = await openForge(github)
  forge.jobs.push({ repository, jobs: [build] })
  const runner = joinedRunner(forge, ['self-hosted', 'linux'])
  forge.runners.fetch(runner)
  expect((await call('DELETE', `${repo}/actions/runners/${runner.id}`)).status).toBe(422)
  expect((await call('GET', `${repo}/actions/runners?name=runner-1`)).json).toMatchObject({
    total_count: 1,
    runners: [{ status: 'online', busy: true, ephemeral: true }],
  })
})

test('a new hook is pinged, and its ping is as GitHub publishes it', async () => {
  const { call } = await openForge(github)
  const inbox = await receiver()
  const made = await call('POST', `${repo}/hooks`, hookWith(inbox.url))
  expect(made).toMatchObject({ status: 201, json: { active: true, config: { secret: '********' } } })
  const [ping] = await inbox.until(1)
  expect(ping?.headers.get('x-github-event')).toBe('ping')
  expect(validateWebhook('ping', null, JSON.parse(ping?.body ?? ''))).toEqual([])
})

test('the same hook twice, an unknown event and a missing url are refused with 422', async () => {
  const { call } = await openForge(github)
  const url = 'http://127.0.0.1:9/'
  await call('POST', `${repo}/hooks`, hookWith(url))
  expect((await call('POST', `${repo}/hooks`, hookWith(url))).status).toBe(422)
  expect((await call('POST', `${repo}/hooks`, hookWith(url, { events: ['nonsense'] }))).status).toBe(422)
  expect((await call('POST', `${repo}/hooks`, { name: 'web', config: {} })).status).toBe(422)
})

test('a config without the secret takes it away, unless it is changed at its own address', async () => {
  const { forge, call } = await openForge(github)
  const { json } = await call('POST', `${repo}/hooks`, hookWith('http://127.0.0.1:9/'))
  await call('PATCH', `${repo}/hooks/${json.id}/config`, { url: 'http://127.0.0.1:10/' })
  expect(forge.ground.hooks.get(json.id)).toMatchObject({ url: 'http://127.0.0.1:10/', secret: 's' })
  await call('PATCH', `${repo}/hooks/${json.id}`, { config: { url: 'http://127.0.0.1:10/', content_type: 'json' } })
  expect(forge.ground.hooks.get(json.id)?.secret).toBe('')
})

test('every workflow_job payload is as GitHub publishes it', async () => {
  const { forge, call } = await openForge(github)
  const inbox = await receiver()
  await call('POST', `${repo}/hooks`, hookWith(inbox.url))
  forge.jobs.push({
    repository,
    jobs: [build, { ...build, name: 'deploy', approval: true }, { ...build, name: 'after', needs: ['build'] }],
  })
  const runner = joinedRunner(forge, ['self-hosted', 'linux'])
  forge.runners.report(runner, forge.runners.fetch(runner)!.taskId, 'failure')
  const told = (await inbox.until(6)).filter(({ headers }) => headers.get('x-github-event') === 'workflow_job')
  const payloads = told.map(({ body }) => JSON.parse(body))
  expect(payloads.map(({ action, workflow_job: { name } }) => `${name} ${action}`).sort()).toEqual([
    // A job that needs others is not made before they are done.
    'after completed',
    'build completed',
    'build in_progress',
    'build queued',
    'deploy waiting',
  ])
  for (const payload of payloads) expect(validateWebhook('workflow_job', payload.action, payload)).toEqual([])
})

test("an organization's repositories are listed", async () => {
  const { call } = await openForge(github)
  expect((await call('GET', '/api/v3/orgs/harbour/repos')).json).toMatchObject([{ full_name: repository }])
})
