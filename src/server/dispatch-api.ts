import { createHash } from 'node:crypto'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import type { DispatcherApiConfig, InstanceConfig } from '../config/config.ts'
import { runnerName } from '../core/dispatch.ts'
import { forbiddenLabel, permittedScope } from '../core/permit.ts'
import { mostWaiting, offering, type RunnerRequest } from '../core/request.ts'
import type { ApiDeps } from './api-deps.ts'
import { readBody } from './body.ts'
import { type AskedBody, readAsked } from './dispatch-body.ts'
import { dispatchDocument } from './dispatch-document.ts'
import { callerOf, type Served } from './peer.ts'
import { problem } from './problem.ts'

/** For `dispatcher_api.instance`, and for any: callers append `/api/v1/dispatch` to the url that they are given. */
export const dispatchPaths = ['/api/v1/dispatch', '/instances/:name/api/v1/dispatch'] as const

/** Bytes of a body; `env` may carry a script. */
const largest = 1024 * 1024
/** Seconds after which to come again when too many requests wait. */
const comeAgain = 30

/** Callers of the dispatcher API read `{"error": "…"}`, whoever it is that refuses them. */
export function dispatchErrors(): MiddlewareHandler<Served> {
  return async (c, next) => {
    await next()
    if (c.res.headers.get('content-type') !== 'application/problem+json') return
    const { status, headers } = c.res
    const { detail } = (await c.res.json()) as { detail: string }
    // What is assigned is given the headers of what stood there before.
    c.res = new Response(JSON.stringify({ error: detail }), { status, headers })
    c.res.headers.set('content-type', 'application/json')
  }
}

/** The dispatcher API as we offer it: what is asked for is recorded, answered, and started by the turns of its instance. */
export function addDispatchRoutes(app: OpenAPIHono<Served>, deps: ApiDeps): void {
  for (const path of dispatchPaths) {
    app.openAPIRegistry.registerPath(dispatchDocument(path))
    app.post(path, (c) => dispatch(c, deps))
    app.all(path, (c) => problem(c, 405, 'this takes POST alone', { headers: { allow: 'POST' } }))
  }
}

async function dispatch(c: Context<Served>, deps: ApiDeps): Promise<Response> {
  const { dispatcherApi: api, instances, dryRun } = deps.config()
  if (!api) return problem(c, 404, 'the dispatcher API is not offered: dispatcher_api.enabled is false')
  const instance = instances.find(({ name }) => name === (c.req.param('name') ?? api.instance))
  if (!instance) return problem(c, 404, 'no instance of this name is configured')
  const key = c.req.header('idempotency-key')
  if (key !== undefined && !/^[\x20-\x7e]{1,255}$/.test(key))
    return problem(c, 400, 'Idempotency-Key: expected 1 to 255 printable characters of ASCII')
  const body = await readBody(c, largest)
  if (body.kind === 'too_large') return problem(c, 413, `the body is larger than ${largest} bytes`)
  if (body.kind === 'aborted') return problem(c, 400, 'the body did not come to its end')
  const asked = readAsked(body.bytes)
  if ('problem' in asked) return problem(c, 400, asked.problem)
  const permitted = permittedRequests(asked, instance, api, deps)
  if ('refused' in permitted) return problem(c, permitted.status, permitted.refused)
  if (dryRun || instance.dryRun)
    return problem(c, 503, `dry_run: nothing is started for ${instance.name}; turn it off to have runners`)
  return record(c, deps, { instance, key, asked, requests: permitted.requests })
}

type Permitted = { requests: readonly RunnerRequest[] } | { status: 400 | 403; refused: string }

function permittedRequests(
  asked: AskedBody,
  instance: InstanceConfig,
  api: DispatcherApiConfig,
  { ids, clock }: Pick<ApiDeps, 'ids' | 'clock'>,
): Permitted {
  const rules = api.places.get(instance.name)!.labels
  const labels = asked.labels.length > 0 ? asked.labels : api.defaultLabels
  if (labels.length === 0) return { status: 400, refused: 'labels: expected at least one, there are no default_labels' }
  const forbidden = forbiddenLabel(labels, api, rules)
  if (forbidden !== null)
    return { status: 403, refused: `labels: ${JSON.stringify(forbidden)} is not in dispatcher_api.allow_labels` }
  const scope = permittedScope(asked.scope, instance.scope, api)
  if ('refused' in scope) return { status: 403, refused: scope.refused }
  const { count, ttl, machineType, image, env } = asked
  const one = { instance: instance.name, labels, ttl, machineType, image, env, scope, askedAt: clock.now() }
  return { requests: Array.from({ length: count }, () => ({ ...one, id: ids() })) }
}

interface Recording {
  instance: InstanceConfig
  key: string | undefined
  asked: AskedBody
  requests: readonly RunnerRequest[]
}

async function record(c: Context<Served>, deps: ApiDeps, { instance, key, asked, requests }: Recording) {
  const { store, clock, log } = deps
  const names = requests.map(({ id }) => runnerName(deps.config().owner, id))
  const outcome = await store.request({
    instance: instance.name,
    at: clock.now(),
    by: callerOf(c),
    requests,
    answer: JSON.stringify({ runners: names.map((name) => ({ name })) }),
    key: key === undefined ? null : { value: key, digest: digestOf(asked) },
  })
  switch (outcome.kind) {
    case 'mismatch':
      return problem(c, 422, 'this Idempotency-Key was used for another request')
    case 'full':
      return problem(c, 429, `${mostWaiting} requests may wait at once; come again later`, {
        headers: { 'retry-after': String(comeAgain) },
      })
    case 'recorded':
      log.info({ instance: instance.name, runners: names }, 'a caller of the dispatcher API asked for runners')
  }
  return c.body(outcome.answer, 200, {
    'content-type': 'application/json',
    ...(!givesNames(deps, instance, requests) && { 'x-muster-names': 'provisional' }),
  })
}

/** Whether the runners will bear the names that we answer. Where they do not, a caller must not wait for one of that name. */
function givesNames({ config, lanes }: ApiDeps, { name, targets }: InstanceConfig, requests: readonly RunnerRequest[]) {
  const place = config().dispatcherApi?.places.get(name)
  const [first] = requests
  if (!place || !first) return true
  const { dispatcher } = offering(first.labels, targets, place.labels) ?? place
  return lanes.get(dispatcher)?.traits.names ?? true
}

/** What a key stands for. */
function digestOf(asked: AskedBody): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex')
}
