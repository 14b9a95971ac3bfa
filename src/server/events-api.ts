import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type EventType, eventTypes } from '../core/event.ts'
import { answers } from './api-answers.ts'
import type { ApiDeps } from './api-deps.ts'
import { Event } from './api-schemas.ts'
import { createEventStreams, type StreamFilter } from './event-stream.ts'
import { pageOf, paging } from './paging.ts'
import type { Served } from './peer.ts'
import * as present from './presenters.ts'
import { problem } from './problem.ts'

const moment = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-03-02T12:00:00Z' })
  .transform((text) => Date.parse(text))
  .optional()

const id = z.string().min(1).max(200).optional()

const query = z.strictObject({
  ...paging,
  instance: id,
  target: id,
  type: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(eventTypes)))
    .optional()
    .openapi({ type: 'string', examples: ['job_queued,job_running'] })
    .describe('One type, or several with commas between them'),
  job: id.describe('All rounds of this job; needs `instance`'),
  round: z.coerce.number().int().min(1).optional().describe('Only this round; needs `job`'),
  dispatch: id,
  runner: id.describe('By name; needs `instance`'),
  since: moment.describe('What happened at this moment or later').openapi({ type: 'string', format: 'date-time' }),
  until: moment.describe('What happened before this moment').openapi({ type: 'string', format: 'date-time' }),
  after: z
    .string()
    .max(20)
    .optional()
    .describe('Only what came after the event with this id, oldest first. In a stream `Last-Event-ID` goes before it'),
})

const stream = { 'text/event-stream': { schema: z.string().describe('`id:` is that of the event, `data:` the event') } }
const listed = answers(200, 'Events, the newest first', pageOf(Event))

const events = createRoute({
  method: 'get',
  path: '/api/v1/events',
  summary: 'What happened; with `Accept: text/event-stream`, what happens',
  description:
    'As a stream it begins with what is to come, or after `Last-Event-ID`, and nothing is left out or told twice. It ends when the service stops, after an hour, and for a client that takes nothing for 30 s: ask again with the last id.',
  request: {
    query,
    headers: z.object({ 'last-event-id': z.string().max(20).optional() }),
  },
  responses: { ...listed, 200: { ...listed[200], content: { ...listed[200].content, ...stream } } },
})

/** The trail of everything, as pages and live. */
export function addEventRoutes(app: OpenAPIHono<Served>, deps: ApiDeps): void {
  const streams = createEventStreams(deps)

  app.openapi(events, async (c) => {
    const { cursor, limit, after, until, ...given } = c.req.valid('query')
    const filter = filterOf(given)
    c.header('vary', 'Accept')
    if (wantsStream(c)) {
      const refused = cursor !== undefined ? 'cursor' : until !== undefined ? 'until' : null
      if (refused) throw new HTTPException(400, { message: `${refused}: a stream goes on; leave it out` })
      return live(c, filter, c.req.valid('header')['last-event-id'] ?? after ?? null)
    }
    const { items, next } = await deps.store.events({ ...filter, cursor, limit, after, until })
    return c.json({ items: items.map(present.event), next }, 200)
  })

  async function live(c: Context<Served>, filter: StreamFilter, after: string | null): Promise<Response> {
    const body = await streams.open(filter, after, () => void c.env?.outgoing?.destroy())
    if (!body)
      return problem(
        c,
        503,
        'as many streams are open as may be, or the service stops: close one, or ask again later',
        {
          headers: { 'retry-after': '10' },
        },
      )
    // The second header asks nginx not to keep it until it is worth sending.
    return c.body(body, 200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
  }
}

interface Given extends Omit<StreamFilter, 'types' | 'job'> {
  type?: readonly EventType[]
  job?: string
  round?: number
}

/** Ids of jobs and names of runners are a forge's own: without their instance they say nothing. */
function filterOf({ type, job, round, ...same }: Given): StreamFilter {
  const needy = job !== undefined ? 'job' : same.runner !== undefined ? 'runner' : null
  if (needy && same.instance === undefined) throw new HTTPException(400, { message: `${needy}: needs instance, too` })
  if (round !== undefined && job === undefined) throw new HTTPException(400, { message: 'round: needs job, too' })
  return { ...same, types: type, job: job === undefined ? undefined : { id: job, round } }
}

function wantsStream(c: Context<Served>): boolean {
  return /\btext\/event-stream\b/i.test(c.req.header('accept') ?? '')
}
