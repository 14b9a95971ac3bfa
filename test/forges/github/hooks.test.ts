import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import type { HookWish } from '../../../src/forges/forge.ts'
import { aHookRow } from '../../fixtures/github/rows.ts'
import { aHookWish } from '../../support/builders.ts'
import { network } from '../../support/network.ts'
import { API, aGithub, authorised, enterprise, never, organization, pageOf, refusal, repository } from './github.ts'

const wish = aHookWish({ secret: 'the secret in force', known: { id: '1', secretFits: true } })
const { url } = wish

const config = { url, content_type: 'json', insecure_ssl: '0', secret: 'the secret in force' }

/** Hooks of acme/widgets; answers every write: method, the path below the hooks, and the body. */
function hooksAre(rows: object[], place = '/repos/acme/widgets') {
  const writes: unknown[] = []
  const path = `${API}${place}/hooks`
  const write = authorised(async ({ request }) => {
    const body: object | null = request.method === 'DELETE' ? null : Object(await request.clone().json())
    const below = new URL(request.url).pathname.replace(`${place}/hooks`, '')
    writes.push([request.method, below, body])
    if (request.method === 'DELETE') return new HttpResponse(null, { status: 204 })
    if (below.endsWith('/config')) return HttpResponse.json({ ...body, secret: '********' })
    return HttpResponse.json(aHookRow(1, { ...body, config: { url } }), {
      status: request.method === 'POST' ? 201 : 200,
    })
  })
  network.use(
    http.get(
      path,
      authorised(({ request }) => HttpResponse.json(pageOf(request, rows))),
    ),
    http.all(`${path}*`, write),
  )
  return writes
}

function ensure(over: Partial<HookWish> = {}, scope = repository) {
  return aGithub({ scope }).ensureHook?.({ ...wish, ...over }, never())
}

test.each([
  { level: 'repository', scope: repository, place: '/repos/acme/widgets' },
  { level: 'organization', scope: organization, place: '/orgs/acme' },
])('a missing webhook of a $level is made, in JSON, signed, over verified TLS', async ({ scope, place }) => {
  const writes = hooksAre([], place)
  expect(await ensure({}, scope)).toEqual({ id: '1', done: 'created', events: ['workflow_job'], notes: [] })
  expect(writes).toEqual([['POST', '', { name: 'web', active: true, events: ['workflow_job'], config }]])
})

test('a webhook that is right is left alone', async () => {
  const writes = hooksAre([aHookRow(1, { config: { url } })])
  expect(await ensure()).toMatchObject({ id: '1', done: 'kept' })
  expect(writes).toEqual([])
})

test.each([
  ['is known not to fit', { id: '1', secretFits: false }],
  ['is not known', null],
  ['is known of another hook', { id: '2', secretFits: true }],
])('a secret that %s is written with its whole configuration', async (_, known) => {
  const writes = hooksAre([aHookRow(1, { config: { url } })])
  expect(await ensure({ known })).toMatchObject({ id: '1', done: 'repaired' })
  expect(writes).toEqual([['PATCH', '/1/config', config]])
})

test.each([
  ['has no secret', { secret: undefined }],
  ['sends forms', { content_type: 'form' }],
  ['does not verify TLS', { insecure_ssl: '1' }],
  ['does not verify TLS, as an old server writes it', { insecure_ssl: 1 }],
])('a webhook that %s is repaired, its secret sent along', async (_, drift) => {
  const writes = hooksAre([aHookRow(1, { config: { url, ...drift } })])
  expect(await ensure()).toMatchObject({ done: 'repaired' })
  expect(writes).toEqual([['PATCH', '/1/config', config]])
})

test.each([
  ['was switched off', { active: false }],
  ['lost its events', { events: ['push'] }],
  ['has more events than were wished', { events: ['workflow_job', 'push'] }],
])('a webhook that %s is repaired without its configuration, which would remove the secret', async (_, drift) => {
  const writes = hooksAre([aHookRow(1, { ...drift, config: { url } })])
  expect(await ensure()).toMatchObject({ done: 'repaired', events: ['workflow_job'] })
  expect(writes).toEqual([['PATCH', '/1', { active: true, events: ['workflow_job'] }]])
})

test('the job event is asked for, whatever is wished', async () => {
  const writes = hooksAre([])
  await ensure({ events: ['push'] })
  expect(writes).toMatchObject([['POST', '', { events: ['workflow_job', 'push'] }]])
})

test('a webhook for every event is left as it is wished', async () => {
  const writes = hooksAre([aHookRow(1, { events: ['*'], config: { url } })])
  expect(await ensure({ events: ['*'] })).toMatchObject({ done: 'kept' })
  expect(writes).toEqual([])
})

test('the event that GitHub did not keep is told', async () => {
  network.use(
    http.get(`${API}/repos/acme/widgets/hooks`, () => HttpResponse.json([])),
    http.post(`${API}/repos/acme/widgets/hooks`, () => HttpResponse.json(aHookRow(1, { config: { url } }))),
  )
  const state = await ensure({ events: ['workflow_job', 'deploy_day'] })
  expect(state?.notes).toEqual([expect.stringContaining('deploy_day')])
})

test('a hook that is no webhook is not ours, whatever its url', async () => {
  const writes = hooksAre([aHookRow(7, { name: 'email', config: { url } })])
  expect(await ensure()).toMatchObject({ done: 'created' })
  expect(writes).toHaveLength(1)
})

test('of two webhooks with our url the known one stays', async () => {
  const writes = hooksAre([aHookRow(8, { config: { url } }), aHookRow(1, { config: { url } })])
  expect(await ensure()).toMatchObject({ id: '1', done: 'repaired', notes: [expect.stringContaining('removed 1')] })
  expect(writes).toEqual([['DELETE', '/8', null]])
})

test('a webhook that somebody removes while we mend it is made again', async () => {
  const writes = hooksAre([aHookRow(1, { active: false, config: { url } })])
  network.use(http.patch(`${API}/repos/acme/widgets/hooks/1`, () => refusal(404, 'Not Found')))
  expect(await ensure()).toMatchObject({ id: '1', done: 'created' })
  expect(writes).toMatchObject([['POST', '', { name: 'web' }]])
})

const alreadyExists = () =>
  refusal(422, 'Validation Failed', {
    errors: [{ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' }],
  })

test('a webhook that somebody makes at the same moment is found, and gets our secret', async () => {
  const rows: object[] = []
  const writes = hooksAre(rows)
  network.use(
    http.post(`${API}/repos/acme/widgets/hooks`, () => {
      rows.push(aHookRow(1, { config: { url } }))
      return alreadyExists()
    }),
  )
  expect(await ensure({ known: null })).toMatchObject({ id: '1', done: 'repaired' })
  expect(writes).toEqual([['PATCH', '/1/config', config]])
})

test('a webhook that GitHub does not accept is refused with its reason', async () => {
  hooksAre([])
  network.use(http.post(`${API}/repos/acme/widgets/hooks`, alreadyExists))
  await expect(ensure()).rejects.toMatchObject({
    name: 'ForgeRefused',
    status: 422,
    message: expect.stringContaining('Hook already exists on this repository'),
  })
})

test('a token that may not see webhooks is refused with what it lacks, and without our secret', async () => {
  network.use(http.get(`${API}/orgs/acme/hooks`, () => refusal(404, 'Not Found')))
  const error = await ensure({}, organization)?.catch((error: unknown) => error)
  expect(String(error)).toContain('admin:org_hook')
  expect(String(error)).not.toContain(wish.secret)
})

test('an enterprise has no webhooks API', () => {
  expect(aGithub({ scope: enterprise }).ensureHook).toBeUndefined()
})
