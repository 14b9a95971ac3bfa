import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDelivery } from '../../src/forges/delivery.ts'
import type { Forge } from '../../src/forges/forge.ts'
import { readWorkflowJob } from '../../src/forges/workflow-job.ts'
import { Secret } from '../../src/secret.ts'
import { publicApp } from '../../src/server/public.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { signed } from '../forges/contract.ts'
import { aTarget } from '../support/builders.ts'
import { giteaRules } from '../support/snapshot.ts'
import { anAdminWorld, aWorker } from './admin-world.ts'
import { aLog } from './intake-world.ts'

const secret = 'the secret of the hook'
const mark = '<img src=x onerror=alert(1)>'

/** The intake and the admin listener over one state, as the service has them. */
async function aHouse() {
  const store = await openSqliteStore({ path: ':memory:' })
  const { worker } = aWorker()
  const admin = anAdminWorld({ store, workers: new Map([['main', worker]]) })
  const secrets = [new Secret(secret)]
  const scope = { level: 'instance', owner: null, name: null } as const
  const read: Forge['read'] = (delivery) =>
    readDelivery(delivery, { secrets, idHeaders: ['x-gitea-delivery'] }, (_, body) => readWorkflowJob(body, scope))
  const intake = { name: 'main', forge: { read, labels: giteaRules }, targets: [aTarget()], secrets }
  const { clock, metrics } = admin
  const { log } = aLog()
  const app = publicApp({
    intakes: () => new Map([['main', intake]]),
    store,
    clock,
    log,
    metrics,
    ids: () => 'error-1',
    maxBody: () => 1_000_000,
  })
  const deliver = async (body: string) => {
    const { headers } = signed({ 'x-gitea-event': 'workflow_job' }, body, secret)
    return (await app.request('/webhook/main', { method: 'POST', headers, body })).status
  }
  return { store, admin, deliver }
}

const texts = fc.oneof(
  fc.constantFrom(
    mark,
    `"${mark}`,
    `'${mark}`,
    'javascript:alert(1)',
    '__proto__',
    '',
    '\u202e',
    '\u0000',
    '\ud800',
    '../..',
    '</script>',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
)
const moments = fc.oneof(
  fc.constantFrom(
    '0001-01-01T00:00:00Z',
    '+275760-09-13T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '1970-01-01T00:00:00Z',
    'never',
  ),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
)
const jobs = fc.record({
  action: fc.constantFrom('queued', 'waiting', 'in_progress', 'completed'),
  workflow_job: fc.record({
    id: fc.oneof(
      fc.integer({ min: 1, max: 30 }),
      fc.maxSafeInteger().filter((id) => id > 0),
    ),
    run_id: fc.option(fc.maxSafeNat()),
    status: fc.constantFrom('queued', 'waiting', 'in_progress', 'completed', null),
    conclusion: fc.option(texts),
    name: texts,
    labels: fc.array(texts, { maxLength: 4 }),
    runner_name: fc.option(texts),
    html_url: fc.oneof(texts, fc.constantFrom(`https://x/${mark}`, 'https://user:pw@evil/', 'HTTP://[::1]:99999/')),
    created_at: moments,
    started_at: moments,
    completed_at: moments,
  }),
  repository: fc.record({
    id: fc.nat(),
    full_name: fc.tuple(texts, texts).map((parts) => parts.map((part) => part.replaceAll('/', '') || 'x').join('/')),
  }),
})

const queries = [
  '',
  '?limit=1',
  '?cursor=1',
  `?cursor=${encodeURIComponent(mark)}`,
  `?instance=${encodeURIComponent(mark)}`,
  `?state=${encodeURIComponent("' OR 1=1")}`,
  '?limit=500&target=linux',
  '?__proto__=1',
  '?type=job_queued&after=-1',
  '?round=1e9',
]

test('whatever a signed delivery says, every page and every list can still be shown, and none of it is taken for markup', async () => {
  const { store, admin, deliver } = await aHouse()
  const property = fc.asyncProperty(fc.array(jobs, { minLength: 10, maxLength: 20 }), async (all) => {
    for (const body of all) expect(await deliver(JSON.stringify(body))).toBe(202)
    const { items } = await store.jobs({ limit: 500 })
    const shown = items.slice(-3).map(({ id }) => encodeURIComponent(id))
    const routes = new Set(admin.app.routes.filter(({ method }) => method === 'GET').map(({ path }) => path))
    for (const route of routes) {
      const ids = route.includes(':id') ? shown : ['x']
      for (const id of ids)
        for (const query of queries) {
          const path = route
            .replaceAll(':id', id)
            .replaceAll(/:instance|:name/g, 'main')
            .replaceAll(':file', '..%2f..%2fpackage.json')
          const answer = await admin.app.request(path + query)
          expect([path + query, answer.status]).toEqual([path + query, expect.toBeOneOf([200, 302, 303, 400, 404])])
          if (answer.headers.get('content-type')?.startsWith('text/html')) {
            const page = await answer.text()
            expect(
              page.match(/.{0,60}(?:<img(?! src="\/static\/)|href="(?!\/|https?:|#|\?)).{0,60}/i)?.[0],
            ).toBeUndefined()
          }
        }
    }
  })
  await fc.assert(property, { numRuns: 6, endOnFailure: true })
  await store.close()
})
