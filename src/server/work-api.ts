import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { answers } from './api-answers.ts'
import type { ApiDeps } from './api-deps.ts'
import { Dispatch, Event, Job, JobDetail, Runner } from './api-schemas.ts'
import { pageOf, paging } from './paging.ts'
import type { Served } from './peer.ts'
import * as present from './presenters.ts'
import { runnerPage } from './runner-list.ts'

/** Events of one job that are told with it. */
const trailLength = 500

const filters = { ...paging, instance: z.string().optional(), target: z.string().optional() }

const flag = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => (text === undefined ? undefined : text === 'true'))

const routes = {
  jobs: createRoute({
    method: 'get',
    path: '/api/v1/jobs',
    summary: 'Jobs, each with the reason why it has, or has not, a runner',
    request: {
      query: z.strictObject({ ...filters, state: z.enum(['waiting', 'queued', 'running', 'finished']).optional() }),
    },
    responses: answers(200, 'Jobs', pageOf(Job)),
  }),
  job: createRoute({
    method: 'get',
    path: '/api/v1/jobs/{instance}/{id}',
    summary: 'One job with its trail: its newest round, or the one asked for',
    request: {
      params: z.object({ instance: z.string(), id: z.string() }),
      query: z.strictObject({ round: z.coerce.number().int().min(1).optional() }),
    },
    responses: answers(200, 'The job', JobDetail),
  }),
  runners: createRoute({
    method: 'get',
    path: '/api/v1/runners',
    summary: 'Runners; dispatches whose runner has not shown itself are among them as booting',
    request: { query: z.strictObject({ ...filters, gone: flag }) },
    responses: answers(200, 'Runners, booting ones first', pageOf(Runner)),
  }),
  dispatches: createRoute({
    method: 'get',
    path: '/api/v1/dispatches',
    summary: 'Requests for runners',
    request: { query: z.strictObject({ ...filters, live: flag }) },
    responses: answers(200, 'Dispatches', pageOf(Dispatch)),
  }),
  events: createRoute({
    method: 'get',
    path: '/api/v1/events',
    summary: 'What happened',
    request: { query: z.strictObject(filters) },
    responses: answers(200, 'Events, the newest first', pageOf(Event)),
  }),
}

/** Jobs and what was done for them. */
export function addWorkRoutes(app: OpenAPIHono<Served>, { store, workers, clock }: ApiDeps): void {
  app.openapi(routes.jobs, async (c) => {
    const { items, next } = await store.jobs(c.req.valid('query'))
    return c.json({ items: items.map((row) => present.job(row, workers.get(row.instance))), next }, 200)
  })

  app.openapi(routes.job, async (c) => {
    const { instance, id } = c.req.valid('param')
    const row = await store.job(instance, id, c.req.valid('query').round)
    if (!row) throw new HTTPException(404, { message: 'no such job is known, or no such round of it' })
    const events = await store.events({ instance, job: { id, round: row.round }, limit: trailLength })
    const trail = events.items.map(present.event).reverse()
    return c.json({ ...present.job(row, workers.get(instance)), trail }, 200)
  })

  app.openapi(routes.runners, async (c) => {
    const { gone = false, ...query } = c.req.valid('query')
    return c.json(await runnerPage(store, { ...query, gone }, clock.now()), 200)
  })

  app.openapi(routes.dispatches, async (c) => {
    const { items, next } = await store.dispatches(c.req.valid('query'))
    return c.json({ items: items.map(present.dispatch), next }, 200)
  })

  app.openapi(routes.events, async (c) => {
    const { items, next } = await store.events(c.req.valid('query'))
    return c.json({ items: items.map(present.event), next }, 200)
  })
}
