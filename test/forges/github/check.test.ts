import { expect, test } from 'vitest'
import type { CheckQuery } from '../../../src/forges/forge.ts'
import { aHookWish } from '../../support/builders.ts'
import {
  anApp,
  everything,
  never,
  type OpenGithub,
  openGithub,
  organization,
  ourApp,
  permissions,
} from '../../support/github-world.ts'
import { receiver } from '../../support/world.ts'

const wish = aHookWish({ url: 'http://127.0.0.1:9/webhook/main', secret: 's' })
const looks = { polling: 120, reconciling: 12 }

function query(over: Partial<CheckQuery> = {}): CheckQuery {
  return { labels: ['linux'], hook: wish, registers: true, isolated: false, looksPerHour: looks, ...over }
}

async function check(
  open: OpenGithub,
  over: Partial<CheckQuery> = {},
  visitor: Parameters<OpenGithub['github']>[0] = {},
) {
  const findings = await open.github(visitor).check?.(query(over), never())
  if (!findings) throw new Error('there is nothing to check with')
  return {
    findings,
    of: (name: string) => findings.filter((finding) => finding.check === name),
    bad: findings.filter(({ level }) => level === 'warning' || level === 'problem').map((finding) => finding.check),
  }
}

/** An organization as it should be: the webhook made, and its ping delivered. */
async function aGoodOne(over: Parameters<typeof openGithub>[0] = {}) {
  const open = await openGithub({ scopes: 'repo, admin:org, admin:org_hook', ...over })
  const inbox = await receiver()
  const hook = { ...wish, url: inbox.url }
  await open.github(over.app ? { app: ourApp() } : {}).ensureHook?.({ ...hook, known: null }, never())
  await inbox.until(1)
  await expect.poll(() => open.courier.attempts.length).toBe(1)
  return { ...open, hook }
}

test('a set-up that is as it should be is good in all its parts, and nothing is changed', async () => {
  const open = await aGoodOne()
  const before = open.host.answered.length
  const { findings, bad } = await check(open, { hook: open.hook })
  expect(bad).toEqual([])
  expect(findings.map((finding) => `${finding.level} ${finding.check}`)).toEqual([
    'good forge_reachable',
    'good token',
    'good repositories',
    'good token_scopes',
    'good jobs',
    'good runners',
    'good hook',
    'good hook_deliveries',
    'good public_repositories',
    'good rate_budget',
  ])
  expect(open.host.answered.slice(before).filter((line) => !line.startsWith('GET '))).toEqual([])
})

test('an App that is as it should be is good too', async () => {
  const open = await aGoodOne({ app: anApp() })
  const { of, bad } = await check(open, { hook: open.hook }, { app: ourApp() })
  expect(bad).toEqual([])
  expect(of('app_permissions')).toMatchObject([{ level: 'good' }])
  expect(of('token_scopes')).toEqual([])
})

test('every problem and every warning says how to mend it', async () => {
  const open = await openGithub({ scopes: 'gist' })
  open.host.publicRepositories.add('harbour/lighthouse')
  open.host.denied.push(/actions\/run/, /hooks/)
  const { findings } = await check(open)
  for (const { level, fix } of findings) {
    if (level === 'warning' || level === 'problem') expect(fix).toEqual(expect.stringMatching(/\S/))
  }
})

test('a GitHub that does not answer is told, and nothing else is tried', async () => {
  const open = await openGithub()
  const { findings } = await check(open, {}, { base: 'http://127.0.0.1:9' })
  expect(findings).toMatchObject([
    { level: 'problem', check: 'forge_reachable', fix: expect.stringContaining('base_url') },
  ])
})

test('a wrong token is told, and nothing else is tried', async () => {
  const open = await openGithub()
  const { findings } = await check(open, {}, { token: 'wrong' })
  expect(findings).toMatchObject([{ level: 'problem', check: 'token', message: expect.stringContaining('401') }])
  expect(open.host.answered).toHaveLength(1)
})

test('an App that is not installed is told as a fault of its credentials', async () => {
  const open = await openGithub({ app: anApp({ owner: 'elsewhere' }) })
  const { findings } = await check(open, {}, { app: ourApp() })
  expect(findings).toMatchObject([
    { level: 'problem', check: 'token', message: expect.stringContaining('not installed') },
  ])
})

test.each`
  scopes                               | level             | told
  ${'repo, admin:org'}                 | ${'organization'} | ${['problem: lacks the scope admin:org_hook']}
  ${'repo, admin:org_hook'}            | ${'organization'} | ${['problem: lacks the scope admin:org']}
  ${'repo, admin:org, admin:org_hook'} | ${'organization'} | ${['good: has repo, admin:org, admin:org_hook']}
  ${'repo'}                            | ${'repository'}   | ${['good: has repo, admin:repo_hook']}
  ${'admin:repo_hook'}                 | ${'repository'}   | ${['problem: lacks the scope repo']}
  ${'repo, delete_repo'}               | ${'repository'}   | ${['good: has repo, admin:repo_hook', 'warning: has the scope delete_repo, which is not needed']}
`('a classic token of a $level with $scopes: $told', async ({ scopes, level, told }) => {
  const open = await openGithub({ scopes })
  const scope = level === 'organization' ? organization : { level, owner: 'harbour', name: 'lighthouse' }
  const { of } = await check(open, {}, { scope })
  expect(of('token_scopes').map((one) => `${one.level}: ${one.message.replace('the classic token ', '')}`)).toEqual(
    told,
  )
})

test('a fine-grained token has no scopes: what it may do is tried', async () => {
  const open = await openGithub()
  open.host.denied.push(/actions\/runners/, /hooks/)
  const { of } = await check(open)
  expect(of('token_scopes')).toEqual([])
  expect(of('runners')).toMatchObject([
    { level: 'problem', fix: expect.stringContaining('"Self-hosted runners: write"') },
  ])
  expect(of('hook')).toMatchObject([{ level: 'problem', fix: expect.stringContaining('"Webhooks: write"') }])
  expect(of('jobs')).toMatchObject([{ level: 'good' }])
})

test('an App lacks what its installation was not given, and has too much of what it does not need', async () => {
  const given = { ...permissions, organization_hooks: 'read', contents: 'write' }
  const open = await openGithub({ app: anApp({ permissions: given }) })
  const { of } = await check(open, {}, { app: ourApp() })
  expect(of('app_permissions')).toMatchObject([
    { level: 'problem', message: expect.stringContaining('Webhooks: write') },
    { level: 'warning', message: expect.stringContaining('contents: write') },
  ])
})

test('an installation that is somebody else’s is told', async () => {
  const app = anApp()
  const open = await openGithub({
    app: { ...app, installations: [...app.installations, { id: 71, owner: 'elsewhere', permissions }] },
  })
  const { of } = await check(open, {}, { app: ourApp({ installation: '71' }) })
  expect(of('app_permissions')).toMatchObject([
    { level: 'problem', message: 'the installation 71 is that of elsewhere, not of harbour' },
  ])
})

test('a token that sees no repository is told', async () => {
  const open = await openGithub({ repositories: [] })
  const { of } = await check(open)
  expect(of('repositories')).toMatchObject([{ level: 'problem' }])
})

test.each([
  [-29_000, []],
  [31_000, ['the clock of this machine is 31 s behind GitHub']],
  [-40_000, ['the clock of this machine is 40 s ahead of GitHub']],
])('a clock of GitHub that is ahead by %i ms is told as %j', async (ahead, told) => {
  const open = await openGithub()
  open.host.ahead = ahead
  const { of } = await check(open)
  expect(of('clock')).toHaveLength(told.length)
  for (const message of told)
    expect(of('clock')).toMatchObject([{ level: 'warning', message: expect.stringContaining(message) }])
})

test('without a webhook in the file jobs are found by polling, and that is worth knowing', async () => {
  const { of } = await check(await openGithub(), { hook: null })
  expect(of('hook')).toMatchObject([{ level: 'note', message: expect.stringContaining('polling') }])
  expect(of('hook_deliveries')).toEqual([])
})

test('a webhook that is missing is told', async () => {
  const { of } = await check(await openGithub())
  expect(of('hook')).toMatchObject([{ level: 'warning', message: expect.stringContaining('no webhook for') }])
})

test('all that is wrong with the webhook is told', async () => {
  const open = await aGoodOne()
  const [hook] = open.forge.ground.hooks.values()
  if (hook) open.forge.hooks.change(hook, { active: false, events: ['push'], contentType: 'form', secret: '' })
  const { of } = await check(open, { hook: open.hook })
  expect(of('hook').map(({ message }) => message)).toEqual([
    'the webhook is not active',
    'the webhook lacks the events workflow_job',
    'the webhook sends forms, not application/json',
    'the webhook has no secret',
  ])
})

test('a listener that GitHub cannot reach is told with its words', async () => {
  const open = await openGithub({ faults: { lose: 100 } })
  await open.github().ensureHook?.({ ...wish, known: null }, never())
  open.forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [{ name: 'build', labels: ['linux'] }] })
  const { of } = await check(open)
  expect(of('hook_deliveries')).toMatchObject([
    {
      level: 'problem',
      message: expect.stringMatching(/^the last 2 deliveries failed, the newest at .*: failed to connect to host$/),
      fix: expect.stringContaining('GitHub cannot reach http://127.0.0.1:9/webhook/main'),
    },
  ])
})

test('a webhook that has delivered nothing yet is no fault', async () => {
  const open = await aGoodOne()
  open.clock.pass(4 * 24 * 3_600_000)
  const { of } = await check(open, { hook: open.hook })
  expect(of('hook_deliveries')).toMatchObject([{ level: 'note' }])
})

test('public repositories are told with the setting that keeps the code of strangers away', async () => {
  const open = await openGithub({ repositories: ['lighthouse', 'beacon'] })
  open.host.publicRepositories.add('harbour/beacon')
  open.host.groupAllowsPublic = true
  const { of } = await check(open)
  expect(of('public_repositories')).toMatchObject([
    { level: 'warning', message: expect.stringContaining('harbour/beacon') },
  ])
  expect(of('fork_approval')).toMatchObject([
    { level: 'warning', fix: expect.stringContaining('Require approval for all external') },
  ])
  open.host.approvalPolicy = 'all_external_contributors'
  expect((await check(open)).of('fork_approval')).toMatchObject([{ level: 'good' }])
})

test('public repositories are no danger where each job has a machine of its own', async () => {
  const open = await openGithub()
  open.host.publicRepositories.add('harbour/lighthouse')
  open.host.groupAllowsPublic = true
  const { of } = await check(open, { isolated: true })
  expect(of('public_repositories')).toMatchObject([{ level: 'good' }])
})

test('a runner group that takes no jobs of public repositories leaves theirs waiting', async () => {
  const open = await openGithub()
  open.host.publicRepositories.add('harbour/lighthouse')
  const { of } = await check(open)
  expect(of('runner_group')).toMatchObject([{ level: 'warning', message: expect.stringContaining('Default') }])
  expect(of('public_repositories')).toEqual([])
})

test('settings that the token cannot read are worth knowing, and no fault', async () => {
  const open = await openGithub()
  open.host.publicRepositories.add('harbour/lighthouse')
  open.host.denied.push(/runner-groups/, /fork-pr/)
  const { of } = await check(open)
  expect(of('fork_approval')).toMatchObject([{ level: 'note' }])
})

test('requests an hour are told in numbers against the quota', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `r${index}`)
  const { of } = await check(await openGithub({ repositories: names }))
  // 120 looks of 50 × 4 lists of runs, the repositories and the runners; 12 beats of two, hooks, repositories and one list.
  expect(of('rate_budget')).toMatchObject([
    {
      level: 'note',
      message: expect.stringMatching(/^24240 requests an hour .* 27 with webhooks; the quota is 5000 an hour/),
    },
  ])
})

test('more requests than GitHub lets through in an hour are a warning', async () => {
  const names = Array.from({ length: 120 }, (_, index) => `r${index}`)
  const { of } = await check(await openGithub({ repositories: names }))
  expect(of('rate_budget')).toMatchObject([{ level: 'warning', fix: expect.stringContaining('poll_interval') }])
})

test('a server without limits says so', async () => {
  const { of } = await check(await openGithub({ server: '3.17.0' }))
  expect(of('rate_budget')).toMatchObject([{ level: 'good', message: expect.stringContaining('no rate limit') }])
})

test('a quota that is nearly used up is told instead of what could not be read for it', async () => {
  const open = await openGithub({ quota: 30 })
  for (let used = 0; used < 28; used++) await open.call('GET', '/api/v3/meta')
  const { findings, of } = await check(open)
  expect(of('rate_budget')).toMatchObject([{ level: 'warning', message: expect.stringContaining('used up until') }])
  expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
})

test('an enterprise is checked for what it has', async () => {
  const open = await openGithub({ scopes: 'manage_runners:enterprise' })
  const scope = { level: 'enterprise', owner: 'harbour-corp', name: null } as const
  const { bad, of } = await check(open, { hook: null }, { scope })
  expect(bad).toEqual([])
  expect(of('jobs')).toMatchObject([{ level: 'note' }])
})

test('the same forge goes on looking after a check', async () => {
  const open = await openGithub()
  const github = open.github()
  await github.check?.(query(), never())
  expect(await github.jobs(everything, never())).toMatchObject({ complete: true })
})
