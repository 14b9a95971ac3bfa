import { createAppAuth } from '@octokit/auth-app'
import { expect, test } from 'vitest'
import { anApp, openGithub, privateKey } from '../../support/github-world.ts'
import { joinedRunner } from '../../support/world.ts'

const minute = 60_000
const runs = '/api/v3/repos/harbour/lighthouse/actions/runs'
const jit = { name: 'r', runner_group_id: 1, labels: ['linux'] }
const build = { name: 'build', labels: ['linux'] }

test('the quota is told with every answer, and a 304 does not use it', async () => {
  const { call } = await openGithub({ quota: 10 })
  const first = await call('GET', runs)
  const used = (answer: { headers: Headers }) => answer.headers.get('x-ratelimit-used')
  expect(Object.fromEntries(first.headers)).toMatchObject({
    'x-ratelimit-limit': '10',
    'x-ratelimit-remaining': '9',
    'x-ratelimit-resource': 'core',
  })
  const again = await call('GET', runs, undefined, { 'if-none-match': first.headers.get('etag') ?? '' })
  expect([again.status, used(again)]).toEqual([304, '1'])
  expect(used(await call('GET', runs))).toBe('2')
})

test('a quota that is used up refuses until it is whole again', async () => {
  const { call, clock } = await openGithub({ quota: 2 })
  const statuses = []
  for (let count = 0; count < 3; count++) statuses.push((await call('GET', runs)).status)
  clock.pass(61 * minute)
  statuses.push((await call('GET', runs)).status)
  expect(statuses).toEqual([200, 200, 403, 200])
})

test('registrations have a quota of their own', async () => {
  const { call } = await openGithub({ registrations: 1 })
  const path = '/api/v3/repos/harbour/lighthouse/actions/runners/generate-jitconfig'
  expect((await call('POST', path, jit)).status).toBe(201)
  const refused = await call('POST', path, { ...jit, name: 's' })
  expect(refused.status).toBe(403)
  expect(refused.headers.get('x-ratelimit-resource')).toBe('actions_runner_registration')
  expect((await call('GET', runs)).status).toBe(200)
})

test('an Enterprise Server tells of no limits', async () => {
  const { call } = await openGithub({ server: '3.17.0' })
  expect((await call('GET', runs)).headers.get('x-ratelimit-limit')).toBeNull()
})

test('a tag of one credential is none of another', async () => {
  const { call, host, clock } = await openGithub({ app: anApp() })
  host.tokens.set('ghs_1', { installation: anApp().installations[0]!, expiresAt: clock.now() + minute })
  const tag = (await call('GET', runs)).headers.get('etag') ?? ''
  const other = { authorization: 'Bearer ghs_1', 'if-none-match': tag }
  expect((await call('GET', runs, undefined, other)).status).toBe(200)
  expect((await call('GET', runs, undefined, { 'if-none-match': tag })).status).toBe(304)
})

test('a token of an installation ends after an hour', async () => {
  const { call, host, clock } = await openGithub({ app: anApp() })
  host.ahead = Date.now() - clock.now()
  const auth = createAppAuth({ appId: '7', privateKey: privateKey() })
  const { token: jwt } = await auth({ type: 'app' })
  const path = '/api/v3/app/installations/70/access_tokens'
  expect((await call('POST', path)).status).toBe(401)
  const { json } = await call('POST', path, undefined, { authorization: `Bearer ${jwt}` })
  const as = () => call('GET', runs, undefined, { authorization: `Bearer ${json.token}` })
  expect((await as()).status).toBe(200)
  clock.pass(60 * minute)
  expect((await as()).status).toBe(401)
})

test.each([
  ['is too old', 11 * minute, 'must be a numeric value representing the future time'],
  ['reaches too far ahead', -3 * minute, 'is too far in the future'],
])('a JWT that %s is refused in the words of GitHub', async (_, ahead, words) => {
  const { call, host, clock } = await openGithub({ app: anApp() })
  host.ahead = Date.now() - clock.now() + ahead
  const { token } = await createAppAuth({ appId: '7', privateKey: privateKey() })({ type: 'app' })
  const answer = await call('GET', '/api/v3/orgs/harbour/installation', undefined, { authorization: `Bearer ${token}` })
  expect(answer).toMatchObject({ status: 401, json: { message: expect.stringContaining(words) } })
})

// actions/runner and runs-on#429: webhooks are up to 20 s ahead of the lists.
test('lists that lag show what was a while ago', async () => {
  const { call, forge, clock } = await openGithub({ lag: 20_000 })
  const { id } = forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [build] })
  expect((await call('GET', runs)).json.total_count).toBe(0)
  clock.pass(20_000)
  expect((await call('GET', `${runs}?status=queued`)).json.total_count).toBe(1)
  forge.jobs.cancel(forge.jobs.ofRun(id)[0]!.id)
  expect((await call('GET', `${runs}/${id}/jobs`)).json.jobs).toMatchObject([{ status: 'queued' }])
  clock.pass(20_000)
  expect((await call('GET', `${runs}/${id}/jobs`)).json.jobs).toMatchObject([{ status: 'completed' }])
})

// actions/runner#4726.
test('a runner that connected and got no job is removed after a while, one that never came after a day', async () => {
  const { call, forge, clock } = await openGithub({ idleRemoval: 5 * minute })
  const list = async () => (await call('GET', '/api/v3/repos/harbour/lighthouse/actions/runners')).json.total_count
  joinedRunner(forge, ['linux'])
  await call('POST', '/api/v3/repos/harbour/lighthouse/actions/runners/generate-jitconfig', jit)
  expect(await list()).toBe(2)
  clock.pass(6 * minute)
  expect(await list()).toBe(1)
  clock.pass(25 * 60 * minute)
  expect(await list()).toBe(0)
})
