import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { ForgeVersion } from '../../../src/simulation/versions.ts'
import { openForge, receiver, repository, repositoryScope } from '../../support/world.ts'

const secret = "It's a Secret to Everybody"
const hex = (text: string) => createHmac('sha256', secret).update(text).digest('hex')
const job = { repository, jobs: [{ name: 'build', labels: ['linux'] }] }
const gitea: ForgeVersion = { kind: 'gitea', version: '1.26' }

async function withHook(
  version: ForgeVersion,
  over: { secret?: string; contentType?: 'json' | 'form' } = {},
  answer: 202 | 500 = 202,
) {
  const open = await openForge(version)
  const inbox = await receiver(answer)
  open.forge.hooks.create({
    scope: repositoryScope,
    type: 'gitea',
    url: inbox.url,
    contentType: 'json',
    secret,
    events: [version.kind === 'forgejo' ? 'push' : 'workflow_job'],
    active: true,
    branchFilter: '',
    authorizationHeader: '',
    template: false,
    ...over,
  })
  return { ...open, inbox }
}

test('the rule of signing gives the published example', () => {
  expect(hex('Hello, World!')).toBe('757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17')
})

test('a delivery of Gitea is signed over its raw, pretty-printed bytes, bare and with a prefix', async () => {
  const { forge, inbox } = await withHook(gitea)
  forge.jobs.push(job)
  const [{ headers, body }] = (await inbox.until(1)) as [(typeof inbox.received)[number]]
  expect(body).toContain('\n  "action": "queued"')
  expect(headers.get('x-gitea-signature')).toBe(hex(body))
  expect(headers.get('x-hub-signature-256')).toBe(`sha256=${hex(body)}`)
  expect(headers.get('x-gitea-event')).toBe('workflow_job')
  expect(headers.get('x-github-delivery')).toBe(headers.get('x-gitea-delivery'))
  expect(headers.get('x-forgejo-event')).toBeNull()
})

test('a delivery of Forgejo bears the names of all its ancestors', async () => {
  const { forge, inbox } = await withHook({ kind: 'forgejo', version: 15 })
  forge.jobs.push(job)
  const [delivery] = await inbox.until(1)
  for (const name of ['forgejo', 'gitea', 'gogs', 'github']) {
    expect(delivery?.headers.get(`x-${name}-event`)).toBe('push')
  }
  expect(delivery?.headers.get('x-forgejo-signature')).toBe(hex(delivery?.body ?? ''))
})

test('a delivery of GitHub has its own headers and no other', async () => {
  const { forge, inbox } = await withHook({ kind: 'github' })
  forge.jobs.push(job)
  const [delivery] = await inbox.until(1)
  expect(delivery?.headers.get('x-hub-signature-256')).toBe(`sha256=${hex(delivery?.body ?? '')}`)
  expect(delivery?.headers.get('x-github-hook-id')).toBe('1')
  expect(delivery?.headers.get('x-gitea-event')).toBeNull()
})

test('an Enterprise Server tells its version with each delivery, github.com does not', async () => {
  const versionIn = async (version: ForgeVersion) => {
    const { forge, inbox } = await withHook(version)
    forge.jobs.push(job)
    return (await inbox.until(1))[0]?.headers.get('x-github-enterprise-version')
  }
  expect(await versionIn({ kind: 'github', server: '3.17.0' })).toBe('3.17.0')
  expect(await versionIn({ kind: 'github' })).toBeNull()
})

test('without a secret Gitea sends empty signatures, GitHub none', async () => {
  const there = await withHook(gitea, { secret: '' })
  there.forge.jobs.push(job)
  const [fromGitea] = await there.inbox.until(1)
  expect(fromGitea?.headers.get('x-gitea-signature')).toBe('')
  expect(fromGitea?.headers.get('x-hub-signature-256')).toBe('sha256=')
  const here = await withHook({ kind: 'github' }, { secret: '' })
  here.forge.jobs.push(job)
  expect((await here.inbox.until(1))[0]?.headers.get('x-hub-signature-256')).toBeNull()
})

test('of a form body Gitea signs the JSON inside, GitHub the form itself', async () => {
  const there = await withHook(gitea, { contentType: 'form' })
  there.forge.jobs.push(job)
  const [fromGitea] = await there.inbox.until(1)
  const json = new URLSearchParams(fromGitea?.body).get('payload') ?? ''
  expect(fromGitea?.headers.get('x-gitea-signature')).toBe(hex(json))
  const here = await withHook({ kind: 'github' }, { contentType: 'form' })
  here.forge.jobs.push(job)
  const [fromGithub] = await here.inbox.until(1)
  expect(fromGithub?.headers.get('x-hub-signature-256')).toBe(`sha256=${hex(fromGithub?.body ?? '')}`)
})

test('a duplicate comes twice with one id and the same bytes', async () => {
  const { forge, inbox } = await withHook(gitea)
  forge.outbox.order({ kind: 'duplicate', matches: () => true })
  forge.jobs.push(job)
  const [first, second] = await inbox.until(2)
  expect(second?.headers.get('x-gitea-delivery')).toBe(first?.headers.get('x-gitea-delivery'))
  expect(second?.body).toBe(first?.body)
})

test('a lost delivery is passed over, the next one comes', async () => {
  const { forge, inbox } = await withHook(gitea)
  forge.outbox.order({ kind: 'lose', matches: () => true })
  const { id } = forge.jobs.push(job)
  forge.jobs.cancel(forge.jobs.ofRun(id)[0]!.id)
  const [only] = await inbox.until(1)
  expect(JSON.parse(only?.body ?? '')).toMatchObject({ action: 'completed' })
})

test('a delivery that is answered with an error is not sent again', async () => {
  const { forge, inbox, courier } = await withHook(gitea, {}, 500)
  const { id } = forge.jobs.push(job)
  await inbox.until(1)
  forge.jobs.cancel(forge.jobs.ofRun(id)[0]!.id)
  await inbox.until(2)
  await courier.close()
  expect(inbox.received.map(({ body }) => JSON.parse(body).action)).toEqual(['queued', 'completed'])
})
