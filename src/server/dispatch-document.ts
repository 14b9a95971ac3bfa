import { type RouteConfig, z } from '@hono/zod-openapi'
import { mostRunners } from './dispatch-body.ts'

const Refused = z.object({ error: z.string() }).openapi('Refused')

const Started = z
  .object({ runners: z.array(z.object({ name: z.string() })).describe('In the order of the request') })
  .openapi('Started')

const Asked = z
  .object({
    count: z.int().min(1).max(mostRunners).optional(),
    labels: z.array(z.string()).optional().describe('Left out: dispatcher_api.default_labels'),
    ttl: z.string().optional().describe('A Go duration such as 20m0s'),
    machine_type: z.string().optional(),
    image: z.string().optional(),
    env: z.record(z.string(), z.string()).optional(),
    scope: z
      .object({
        level: z.enum(['repository', 'organization', 'user', 'instance', 'enterprise']),
        owner: z.string().optional(),
        name: z.string().optional(),
      })
      .optional(),
  })
  .openapi('AskedRunners')

/** The dispatcher API in the description of the API. Its body is read by `dispatch-body.ts`, whatever its content type. */
export function dispatchDocument(path: string): RouteConfig {
  const refused = { description: 'Why not', content: { 'application/json': { schema: Refused } } }
  const ofInstance = path.includes(':name')
  return {
    method: 'post',
    path: path.replaceAll(/:(\w+)/g, '{$1}'),
    summary: `Start runners, for ${ofInstance ? 'this instance' : 'dispatcher_api.instance'}`,
    request: {
      ...(ofInstance && { params: z.object({ name: z.string() }) }),
      headers: z.object({ 'idempotency-key': z.string().optional() }),
      body: { content: { 'application/json': { schema: Asked } } },
    },
    responses: {
      200: { description: 'Their start is recorded', content: { 'application/json': { schema: Started } } },
      '4XX': refused,
      '5XX': refused,
    },
  }
}
