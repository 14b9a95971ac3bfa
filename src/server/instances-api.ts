import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import type { InstanceConfig } from '../config/config.ts'
import { eventAbout } from '../core/event.ts'
import { offering } from '../core/request.ts'
import { answers } from './api-answers.ts'
import { type ApiDeps, instanceNamed } from './api-deps.ts'
import { Dispatcher, Instance, Target } from './api-schemas.ts'
import { paged, pageOf, paging } from './paging.ts'
import { callerOf, type Served } from './peer.ts'
import * as present from './presenters.ts'
import { problem } from './problem.ts'
import { targetWaits } from './story-presenters.ts'

const day = 24 * 60 * 60_000

const named = z.object({ name: z.string() })

const Reason = z.strictObject({ reason: z.string().trim().min(1).max(256).optional() }).openapi('Reason')

/** What an operator may say to it. */
const reasoned = { body: { required: false, content: { 'application/json': { schema: Reason } } } }

const little = bodyLimit({ maxSize: 4_096, onError: (c) => problem(c, 413, 'the body is larger than 4 KiB') })

/** Some clients call every body JSON, also one that is empty. */
const emptyIsNone: MiddlewareHandler = async (c, next) => {
  if ((await c.req.text()).trim() === '') c.req.raw.headers.delete('content-type')
  await next()
}

const routes = {
  instances: createRoute({
    method: 'get',
    path: '/api/v1/instances',
    summary: 'The configured instances',
    request: { query: z.strictObject(paging) },
    responses: answers(200, 'Instances, in file order', pageOf(Instance)),
  }),
  instance: createRoute({
    method: 'get',
    path: '/api/v1/instances/{name}',
    summary: 'One instance',
    request: { params: named },
    responses: answers(200, 'The instance', Instance),
  }),
  pause: createRoute({
    method: 'post',
    path: '/api/v1/instances/{name}/pause',
    summary: 'Dispatch nothing more for it; intake and looks go on, and it outlives a restart',
    description:
      'One that is paused already stays as it is. Who did it, when and why is told with the instance, and in its events.',
    request: { params: named, ...reasoned },
    middleware: [little, emptyIsNone] as const,
    responses: answers(200, 'The instance, paused', Instance),
  }),
  resume: createRoute({
    method: 'post',
    path: '/api/v1/instances/{name}/resume',
    summary: 'Dispatch for it again',
    request: { params: named, ...reasoned },
    middleware: [little, emptyIsNone] as const,
    responses: answers(200, 'The instance, resumed', Instance),
  }),
  look: createRoute({
    method: 'post',
    path: '/api/v1/instances/{name}/look',
    summary: 'Look at the forge now',
    request: { params: named },
    responses: answers(202, 'The instance; the look is under way', Instance),
  }),
  targets: createRoute({
    method: 'get',
    path: '/api/v1/targets',
    summary: 'The targets of all instances, or of one',
    request: {
      query: z.strictObject({ ...paging, instance: z.string().optional(), dispatcher: z.string().optional() }),
    },
    responses: answers(200, 'Targets, in file order', pageOf(Target)),
  }),
  dispatchers: createRoute({
    method: 'get',
    path: '/api/v1/dispatchers',
    summary: 'The places where runners run',
    request: { query: z.strictObject(paging) },
    responses: answers(200, 'Dispatchers', pageOf(Dispatcher)),
  }),
}

/** What is configured, how it is doing, and what an operator may ask of it. */
export function addInstanceRoutes(app: OpenAPIHono<Served>, deps: ApiDeps): void {
  const { store, clock, workers, lanes } = deps

  async function presented(config: InstanceConfig) {
    const [paused, deliveries, secretUses] = await Promise.all([
      store.paused(config.name),
      store.deliveries(config.name),
      store.secretUses(config.name),
    ])
    const worker = workers.get(config.name)
    return present.instance(config, { worker, paused, deliveries, secretUses, dryRun: deps.config().dryRun })
  }

  function found(name: string): InstanceConfig {
    const config = instanceNamed(deps, name)
    if (!config)
      throw new HTTPException(404, {
        message: `no instance ${name} is configured: GET /api/v1/instances lists those that are`,
      })
    return config
  }

  app.openapi(routes.instances, async (c) => {
    const { items, next } = paged(deps.config().instances, ({ name }) => name, c.req.valid('query'))
    return c.json({ items: await Promise.all(items.map(presented)), next }, 200)
  })

  app.openapi(routes.instance, async (c) => c.json(await presented(found(c.req.valid('param').name)), 200))

  app.openapi(routes.pause, async (c) => {
    const config = found(c.req.valid('param').name)
    await store.pause(config.name, { at: clock.now(), by: callerOf(c), reason: c.req.valid('json').reason ?? null })
    return c.json(await presented(config), 200)
  })

  app.openapi(routes.resume, async (c) => {
    const config = found(c.req.valid('param').name)
    await store.resume(config.name, { at: clock.now(), by: callerOf(c), reason: c.req.valid('json').reason ?? null })
    return c.json(await presented(config), 200)
  })

  app.openapi(routes.look, async (c) => {
    const config = found(c.req.valid('param').name)
    workers.get(config.name)?.lookNow()
    await store.append([eventAbout('look_asked', { at: clock.now(), instance: config.name }, { by: callerOf(c) })])
    return c.json(await presented(config), 202)
  })

  app.openapi(routes.targets, async (c) => {
    const { instance, dispatcher, ...query } = c.req.valid('query')
    const all = deps
      .config()
      .instances.filter(({ name }) => instance === undefined || name === instance)
      .flatMap(({ name, targets }) => targets.map((target) => ({ instance: name, target })))
      .filter(({ target }) => dispatcher === undefined || target.dispatcher === dispatcher)
    const { items, next } = paged(all, ({ instance, target }) => `${instance}/${target.name}`, query)
    const now = clock.now()
    const overview = await store.overview(now)
    const shown = await Promise.all(
      items.map(async ({ instance, target }) => ({
        ...present.target(instance, target, now, overview),
        waits: targetWaits(await store.waits(instance, target.name, now - day)),
      })),
    )
    return c.json({ items: shown, next }, 200)
  })

  app.openapi(routes.dispatchers, async (c) => {
    const { items, next } = paged([...deps.config().dispatchers.values()], ({ name }) => name, c.req.valid('query'))
    const now = clock.now()
    const [overview, requests] = await Promise.all([store.overview(now), waitingRequests(deps)])
    const shown = items.map((config) => {
      const { name } = config
      return present.dispatcher(config, { lane: lanes.get(name), overview, requests: requests.get(name) ?? 0, now })
    })
    return c.json({ items: shown, next }, 200)
  })
}

/** By dispatcher, how many requests of the dispatcher API wait: as many as may wait in all, so a bounded number. */
async function waitingRequests({ store, config }: ApiDeps): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const { dispatcherApi, instances } = config()
  let cursor: string | undefined
  do {
    const page = await store.requests({ limit: 500, cursor })
    for (const { instance, labels } of page.items) {
      const place = dispatcherApi?.places.get(instance)
      const targets = instances.find(({ name }) => name === instance)?.targets ?? []
      const dispatcher = place && (offering(labels, targets, place.labels)?.dispatcher ?? place.dispatcher)
      if (dispatcher !== undefined) counts.set(dispatcher, (counts.get(dispatcher) ?? 0) + 1)
    }
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return counts
}
