import { http, passthrough } from 'msw'
import { expect, test } from 'vitest'
import { aHookWish } from '../../support/builders.ts'
import { githubApi } from '../../support/github-api.ts'
import { anApp, everything, never, type OpenGithub, openGithub, ourApp } from '../../support/github-world.ts'
import { network } from '../../support/network.ts'
import type { Exchange } from '../../support/specs.ts'

const hour = 60 * 60_000
const wish = aHookWish({ url: 'http://127.0.0.1:9/webhook/main', secret: 's' })

/** All that goes between us and the simulated GitHub while `work` goes on. */
async function exchangesWith({ url }: OpenGithub, work: () => Promise<unknown>): Promise<Exchange[]> {
  const seen: Promise<Exchange>[] = []
  const sent = new Map<string, Promise<string>>()
  network.use(http.all(`${url}/*`, () => passthrough()))
  const onRequest = ({ request, requestId }: { request: Request; requestId: string }) => {
    sent.set(requestId, request.clone().text())
  }
  const onResponse = (of: { request: Request; response: Response; requestId: string }) => {
    const answered = of.response.clone().text()
    const { method, url } = of.request
    const exchange = async (): Promise<Exchange> => ({
      method,
      url: new URL(url),
      sent: parsed((await sent.get(of.requestId)) ?? ''),
      status: of.response.status,
      answered: parsed(await answered),
    })
    seen.push(exchange())
  }
  network.events.on('request:start', onRequest)
  network.events.on('response:bypass', onResponse)
  try {
    await work()
    return await Promise.all(seen)
  } finally {
    network.events.removeListener('request:start', onRequest)
    network.events.removeListener('response:bypass', onResponse)
  }
}

function parsed(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}

/** Everything that is ever asked of a GitHub. */
async function all(open: OpenGithub, visitor: Parameters<OpenGithub['github']>[0]) {
  const { forge, clock, host } = open
  const github = open.github(visitor)
  await github.probe(never())
  const hook = await github.ensureHook?.({ ...wish, known: null }, never())
  const known = { id: hook?.id ?? '', secretFits: true }
  await github.ensureHook?.({ ...wish, active: false, known: { ...known, secretFits: false } }, never())
  await github.ensureHook?.({ ...wish, known }, never())
  forge.jobs.push({ repository: 'harbour/lighthouse', jobs: [{ name: 'build', labels: ['linux'] }] })
  const query = { hook: known.id, since: null, received: async () => new Set<string>() }
  expect((await github.recover?.(query, never()))?.readings).toHaveLength(1)
  expect((await github.jobs(everything, never()))?.jobs).toHaveLength(1)
  clock.pass(2 * hour)
  await github.jobs({ labels: [], only: ['harbour/lighthouse'] }, never())
  await github.register({ name: 'muster-1', labels: ['linux'], handle: null }, never())
  await github.register({ name: 'muster-1', labels: ['linux'], handle: null }, never())
  expect((await github.runners(never()))?.runners).toHaveLength(1)
  await github.unregister({ id: '2', name: 'muster-1' }, never())
  host.groupAllowsPublic = true
  host.publicRepositories.add('harbour/lighthouse')
  const looksPerHour = { polling: 120, reconciling: 12 }
  await github.check?.({ labels: [], hook: wish, registers: true, isolated: false, looksPerHour }, never())
}

test.each([
  ['an organization', { scope: { level: 'organization', owner: 'harbour', name: null } }],
  ['a repository', { scope: { level: 'repository', owner: 'harbour', name: 'lighthouse' } }],
] as const)(
  'what is asked for %s, by a token and by an App, and what the simulated GitHub answers, is as GitHub publishes it',
  async (_, { scope }) => {
    for (const app of [false, true]) {
      const open = await openGithub({ faults: { lose: 100 }, repositories: ['lighthouse', 'beacon'], app: anApp() })
      const exchanges = await exchangesWith(open, () => all(open, { scope, ...(app && { app: ourApp() }) }))
      const api = githubApi(`${open.url}/api/v3`)
      expect(exchanges.length).toBeGreaterThan(30)
      expect([...new Set(exchanges.flatMap((exchange) => api.violations(exchange)))]).toEqual([])
      if (app) expect(exchanges.some(({ url }) => url.pathname.endsWith('/access_tokens'))).toBe(true)
    }
  },
)

test('the oracle tells what is not as published', async () => {
  const api = githubApi('http://127.0.0.1/api/v3')
  const exchange = { method: 'POST', status: 201, answered: { runner: {} }, sent: { name: 7, colour: 'red' } }
  const url = new URL('http://127.0.0.1/api/v3/orgs/harbour/actions/runners/generate-jitconfig?page=1')
  const where = 'POST /orgs/harbour/actions/runners/generate-jitconfig'
  expect(api.violations({ ...exchange, url })).toEqual(
    expect.arrayContaining([
      `${where} has no query parameter page`,
      `${where}: sent must have required property 'labels'`,
      `${where}: sent must NOT have additional properties`,
      `${where}: answered must have required property 'encoded_jit_config'`,
    ]),
  )
  expect(api.violations({ ...exchange, url: new URL('http://127.0.0.1/api/v3/orgs/harbour/jobs') })).toHaveLength(1)
})
