import { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiDeps } from './api-deps.ts'
import { addDispatchRoutes } from './dispatch-api.ts'
import { addEventRoutes } from './events-api.ts'
import { addHistoryRoute } from './history-api.ts'
import { addInstanceRoutes } from './instances-api.ts'
import type { Served } from './peer.ts'
import { problem } from './problem.ts'
import { addReloadRoute } from './reload-api.ts'
import { addRetryRoute } from './retry-api.ts'
import { addWorkRoutes } from './work-api.ts'

const info = {
  title: 'Muster',
  version: '1',
  description: [
    'The admin API. Ids are text, times RFC 3339 in UTC, durations seconds.',
    'Lists answer `{"items":[…],"next":null}` or `{"items":[…],"next":"MTIz"}`: ask again with the same filters and `?cursor=MTIz` until `next` is null. Rows that come or go meanwhile are neither told twice nor left out. A parameter that a list does not know is refused.',
    'Errors are problem details (RFC 9457), such as `{"type":"about:blank","title":"Not Found","status":404,"detail":"no instance hom is configured: GET /api/v1/instances lists those that are"}`.',
    'With `Accept: text/event-stream`, `GET /api/v1/events` tells what happens as it happens.',
  ].join('\n\n'),
}

/** `/api/v1`, described by itself at `/api/v1/openapi.json`. */
export function api(deps: ApiDeps): OpenAPIHono<Served> {
  const app = new OpenAPIHono<Served>({
    defaultHook: (result, c) => {
      if (result.success) return
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
      return problem(c, 400, errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; '), {
        members: { errors },
      })
    },
  })
  addInstanceRoutes(app, deps)
  addWorkRoutes(app, deps)
  addRetryRoute(app, deps)
  addEventRoutes(app, deps)
  addHistoryRoute(app, deps)
  addDispatchRoutes(app, deps)
  addReloadRoute(app, deps)
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info,
    servers: [{ url: '/' }],
    security: [{ token: [] }, {}],
  })
  app.get('/api/v1/openapi.json', (c) => c.json(document))
  return app
}
