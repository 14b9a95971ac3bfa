import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import type { StoredEvent } from '../../src/core/event.ts'
import { aDispatch, aJob, aRequest, aRunner, at } from '../support/builders.ts'
import { type OpenApiDocument, readOpenApi } from '../support/openapi.ts'
import { anAdminWorld, anInstance, aWorker, callerToken } from './admin-world.ts'

const event: StoredEvent = {
  id: '7',
  type: 'job_queued',
  at: at('12:00:00'),
  instance: 'x',
  job: { id: 'x', round: 1 },
  target: 'linux',
  dispatch: null,
  runner: null,
  detail: { text: 'a', number: 1, truth: true, nothing: null },
}

const covered = {
  kind: 'covered',
  target: 'linux',
  reason: null,
  by: { runner: 'r' },
  dispatcher: null,
  until: null,
} as const

/** A world in which nothing is empty, and everything is named `x`. */
function aFullWorld() {
  const { worker } = aWorker({
    capabilities: {
      version: '1',
      jobs: true,
      runners: true,
      jobEvents: true,
      hooks: true,
      registration: 'each',
      recovers: false,
    },
    lastLook: { beganAt: at('12:00:00'), complete: true, error: null },
    hook: { id: '1', done: 'kept', notes: [] },
  })
  const rows = {
    jobs: [
      { ...aJob({ instance: 'x', id: 'x', dispatches: 3 }), verdict: covered },
      aJob({ instance: 'x', state: 'finished' }),
    ],
    runners: [aRunner(), aRunner({ state: 'busy' })],
    dispatches: [
      aDispatch({ id: 'x' }),
      aDispatch({ state: 'refused' }),
      aDispatch({ state: 'intended', job: { id: '1', round: 1 } }),
    ],
    requests: [aRequest({ id: 'x' }), aRequest({ ttl: 60_000 })],
    events: [event],
  }
  const world = anAdminWorld({
    rows,
    api: { defaultLabels: ['linux'] },
    instances: [anInstance({ name: 'x' })],
    workers: new Map([['x', worker]]),
  })
  world.state.moments = [{ at: at('12:00:00'), queued: 1, booting: 0, idle: 0, busy: 2, max: 10 }]
  return world
}

async function theDocument(): Promise<OpenApiDocument> {
  const answer = await aFullWorld().app.request('/api/v1/openapi.json')
  return (await answer.json()) as OpenApiDocument
}

const document = await theDocument()
const { operations, compiled } = readOpenApi(document)

test('a validator of OpenAPI has nothing against the document', async () => {
  expect(await new Validator().validate(structuredClone({ ...document }))).toMatchObject({ valid: true })
})

test('the validator finds what is wrong', async () => {
  const broken = { ...structuredClone(document), paths: { '/api/v1/jobs': { get: { responses: [] } } } }
  expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
})

test('the document is OpenAPI 3.1, and every reference in it leads somewhere', () => {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/)
  expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) })
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name,
  )
  expect(references.length).toBeGreaterThan(0)
  expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(references))
})

test.each(operations)(
  '$name declares each parameter of its path, and schemas that can be compiled',
  ({ path, parameters, responses }) => {
    const inPath = parameters?.filter((parameter) => parameter.in === 'path') ?? []
    expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/{(\w+)}/g)].map(([, name]) => name))
    expect(inPath.every(({ required }) => required)).toBe(true)
    for (const { schema } of parameters ?? []) compiled(schema)
    for (const { description, content } of Object.values(responses)) {
      expect(description).not.toBe('')
      for (const { schema } of Object.values(content)) compiled(schema)
    }
  },
)

const asCaller = { authorization: `Bearer ${callerToken}`, 'content-type': 'application/json' }

test.each(operations)('$name answers as it is declared', async ({ method, path, responses }) => {
  const answer = await aFullWorld().app.request(path.replaceAll(/{\w+}/g, 'x'), {
    method,
    ...(path.endsWith('/dispatch') && { body: '{}', headers: asCaller }),
  })
  const declared = responses[answer.status]?.content['application/json']
  expect(declared, `${answer.status} is not declared`).toBeDefined()
  const check = compiled(declared?.schema ?? {})
  const body = (await answer.json()) as { items?: unknown[] }
  check(body)
  expect(check.errors ?? []).toEqual([])
  if (body.items) expect(body.items).not.toEqual([])
})

test.each([
  ['/api/v1/instances/nobody', '/api/v1/instances/{name}'],
  ['/api/v1/jobs?limit=0', '/api/v1/jobs'],
])('the refusal of %s is a problem as it is declared', async (path, template) => {
  const answer = await aFullWorld().app.request(path)
  const declared = document.paths[template]?.get?.responses['4XX']?.content['application/problem+json']
  const check = compiled(declared?.schema ?? { not: {} })
  check(await answer.json())
  expect(check.errors ?? []).toEqual([])
})

test('everything of the API is in the document, but the document', () => {
  const { app } = aFullWorld()
  const routes = app.routes.filter(({ method, path }) => method !== 'ALL' && path.includes('/api/'))
  const named = new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`))
  named.delete('GET /api/v1/openapi.json')
  expect(operations.map(({ name }) => name).sort()).toEqual([...named].sort())
})
