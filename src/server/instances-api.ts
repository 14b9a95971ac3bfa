import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import type { InstanceConfig } from '../config/config.ts'
import { eventAbout } from '../core/event.ts'
import { answers } from './api-answers.ts'
import { type ApiDeps, instanceNamed } from './api-deps.ts'
import { Dispatcher, Instance, Target } from './api-schemas.ts'
import { paged, pageOf, paging } from './paging.ts'
import { callerOf, type Served } from './peer.ts'
import * as present from './presenters.ts'
import { liveDispatches } from './runner-list.ts'

const named = z.object({ name: z.string() })

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
    request: { params: named },
    responses: answers(200, 'The instance, paused', Instance),
  }),
  resume: createRoute({
    method: 'post',
    path: '/api/v1/instances/{name}/resume',
    summary: 'Dispatch for it again',
    request: { params: named },
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
    request: { query: z.strictObject({ ...paging, instance: z.string().optional() }) },
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
    if (!config) throw new HTTPException(404, { message: 'no instance of this name is configured' })
    return config
  }

  app.openapi(routes.instances, async (c) => {
    const { items, next } = paged(deps.config().instances, ({ name }) => name, c.req.valid('query'))
    return c.json({ items: await Promise.all(items.map(presented)), next }, 200)
  })

  app.openapi(routes.instance, async (c) => c.json(await presented(found(c.req.valid('param').name)), 200))

  app.openapi(routes.pause, async (c) => {
    const config = found(c.req.valid('param').name)
    await store.pause(config.name, true, clock.now(), callerOf(c))
    return c.json(await presented(config), 200)
  })

  app.openapi(routes.resume, async (c) => {
    const config = found(c.req.valid('param').name)
    await store.pause(config.name, false, clock.now(), callerOf(c))
    return c.json(await presented(config), 200)
  })

  app.openapi(routes.look, async (c) => {
    const config = found(c.req.valid('param').name)
    workers.get(config.name)?.lookNow()
    await store.append([eventAbout('look_asked', { at: clock.now(), instance: config.name }, { by: callerOf(c) })])
    return c.json(await presented(config), 202)
  })

  app.openapi(routes.targets, (c) => {
    const { instance, ...query } = c.req.valid('query')
    const all = deps
      .config()
      .instances.filter(({ name }) => instance === undefined || name === instance)
      .flatMap(({ name, targets }) => targets.map((target) => present.target(name, target, clock.now())))
    return c.json(
      paged(all, (target) => `${target.instance}/${target.name}`, query),
      200,
    )
  })

  app.openapi(routes.dispatchers, async (c) => {
    const { items, next } = paged([...deps.config().dispatchers.values()], ({ name }) => name, c.req.valid('query'))
    const live = await liveDispatches(store, {})
    const count = (name: string) => live.filter(({ dispatcher }) => dispatcher === name).length
    return c.json(
      { items: items.map((config) => present.dispatcher(config, lanes.get(config.name), count(config.name))), next },
      200,
    )
  })
}
