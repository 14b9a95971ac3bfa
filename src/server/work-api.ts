import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { verdictKinds } from '../core/verdict.ts'
import { answers } from './api-answers.ts'
import type { ApiDeps } from './api-deps.ts'
import { Dispatch, Job, JobDetail, Request, Runner } from './api-schemas.ts'
import { jobPage } from './job-list.ts'
import { storyOf } from './job-story.ts'
import { pageOf, paging } from './paging.ts'
import { callerOf, type Served } from './peer.ts'
import * as present from './presenters.ts'
import { runnerPage } from './runner-list.ts'
import { story as presentStory } from './story-presenters.ts'

const filters = {
  ...paging,
  instance: z
    .string()
    .optional()
    .openapi({ examples: ['home'] }),
  target: z
    .string()
    .optional()
    .openapi({ examples: ['linux'] }),
}

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
      query: z.strictObject({
        ...filters,
        state: z.enum(['waiting', 'queued', 'running', 'finished']).optional(),
        verdict: z
          .enum(verdictKinds)
          .optional()
          .describe('Such a page may hold fewer rows than `limit`, and none: ask on until `next` is null'),
        repository: z
          .string()
          .optional()
          .describe('`owner/name`, in any case')
          .openapi({ examples: ['acme/widgets'] }),
        label: z.string().optional().describe('It asks for this label, perhaps among others'),
      }),
    },
    responses: answers(200, 'Jobs', pageOf(Job)),
  }),
  job: createRoute({
    method: 'get',
    path: '/api/v1/jobs/{instance}/{id}',
    summary: 'One job, why it has, or has not, a runner, and its trail: its newest round, or the one asked for',
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
    request: {
      query: z.strictObject({
        ...filters,
        gone: flag.describe('Those that are gone, in place of the others'),
        state: z.enum(['booting', 'idle', 'busy', 'offline', 'gone']).optional(),
      }),
    },
    responses: answers(200, 'Runners, booting ones first', pageOf(Runner)),
  }),
  dispatches: createRoute({
    method: 'get',
    path: '/api/v1/dispatches',
    summary: 'Requests for runners',
    request: {
      query: z.strictObject({
        ...filters,
        live: flag.describe('Those that are not gone, or only those that are'),
        state: z.enum(['intended', 'sent', 'accepted', 'refused', 'unknown']).optional(),
        dispatcher: z.string().optional(),
      }),
    },
    responses: answers(200, 'Dispatches', pageOf(Dispatch)),
  }),
  release: createRoute({
    method: 'post',
    path: '/api/v1/dispatches/{id}/release',
    summary: 'Free its slot, whatever became of its runner; one that still lives is a stranger from then on',
    request: { params: z.object({ id: z.string() }) },
    responses: answers(200, 'The dispatch, gone', Dispatch),
  }),
  cancel: createRoute({
    method: 'post',
    path: '/api/v1/requests/{id}/cancel',
    summary: 'Forget a request that waits',
    request: { params: z.object({ id: z.string() }) },
    responses: answers(200, 'The request, as it was', Request),
  }),
  requests: createRoute({
    method: 'get',
    path: '/api/v1/requests',
    summary: 'What callers of the dispatcher API asked for and waits for its start',
    request: { query: z.strictObject({ ...paging, instance: z.string().optional() }) },
    responses: answers(200, 'Requests, the first asked first', pageOf(Request)),
  }),
}

/** Jobs and what was done for them. */
export function addWorkRoutes(app: OpenAPIHono<Served>, deps: ApiDeps): void {
  const { store, clock } = deps
  app.openapi(routes.jobs, async (c) => {
    return c.json(await jobPage(store, c.req.valid('query')), 200)
  })

  app.openapi(routes.job, async (c) => {
    const { instance, id } = c.req.valid('param')
    const row = await store.job(instance, id, c.req.valid('query').round)
    if (!row)
      throw new HTTPException(404, {
        message: 'no such job is known, or no such round of it; what is over is forgotten after seven days',
      })
    const { trail, ...story } = await storyOf(deps, row)
    return c.json({ ...present.job(row), ...presentStory(story), trail: trail.map(present.event) }, 200)
  })

  app.openapi(routes.runners, async (c) => {
    const { gone = false, ...query } = c.req.valid('query')
    return c.json(await runnerPage(store, { ...query, gone }, clock.now()), 200)
  })

  app.openapi(routes.dispatches, async (c) => {
    const { items, next } = await store.dispatches(c.req.valid('query'))
    return c.json({ items: items.map(present.dispatch), next }, 200)
  })

  app.openapi(routes.release, async (c) => {
    const at = clock.now()
    const row = await store.settle(c.req.valid('param').id, { kind: 'gone', at, why: 'released', by: callerOf(c) })
    if (!row)
      throw new HTTPException(404, { message: 'no such dispatch is known; what is gone is forgotten after seven days' })
    if (row.goneReason !== 'released' || row.goneAt !== at)
      throw new HTTPException(409, { message: `its slot is free already (${row.goneReason}): there is nothing to do` })
    return c.json(present.dispatch(row), 200)
  })

  app.openapi(routes.cancel, async (c) => {
    const row = await store.cancel(c.req.valid('param').id, clock.now(), callerOf(c))
    if (!row)
      throw new HTTPException(404, { message: 'no such request waits; once it is started, release its dispatch' })
    return c.json(present.request(row), 200)
  })

  app.openapi(routes.requests, async (c) => {
    const { items, next } = await store.requests(c.req.valid('query'))
    return c.json({ items: items.map(present.request), next }, 200)
  })
}
