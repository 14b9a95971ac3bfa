import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Store } from '../store/store.ts'
import { answers } from './api-answers.ts'
import type { ApiDeps } from './api-deps.ts'
import { Moment } from './api-schemas.ts'
import { pageOf } from './paging.ts'
import type { Served } from './peer.ts'
import * as present from './presenters.ts'

const longest = 24
const hour = 60 * 60_000

const history = createRoute({
  method: 'get',
  path: '/api/v1/history',
  summary: 'How queue and runners were in the last hours: of all together, of an instance, or of one of its targets',
  request: {
    query: z.strictObject({
      instance: z.string().min(1).max(200).optional(),
      target: z.string().min(1).max(200).optional().describe('Needs `instance`'),
      hours: z.coerce.number().min(1).max(longest).default(6),
    }),
  },
  responses: answers(
    200,
    'Moments, oldest first: each half minute of six hours, each tenth minute of a day; all in one page',
    pageOf(Moment),
  ),
})

/** What the plots are drawn from. */
export function addHistoryRoute(
  app: OpenAPIHono<Served>,
  { store, clock }: Pick<ApiDeps, 'clock'> & { store: Pick<Store, 'history'> },
): void {
  app.openapi(history, async (c) => {
    const { instance, target, hours } = c.req.valid('query')
    const moments = await store.history({ instance, target: instance && target, since: clock.now() - hours * hour })
    return c.json({ items: moments.map(present.moment), next: null }, 200)
  })
}
