import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from './api-answers.ts'
import type { ApiDeps } from './api-deps.ts'
import { callerOf, type Served } from './peer.ts'
import { problem } from './problem.ts'

const Reloaded = z
  .object({
    changes: z
      .array(
        z.object({
          what: z.enum(['added', 'removed', 'changed']),
          path: z.string(),
          from: z.union([z.number(), z.boolean()]).nullable(),
          to: z.union([z.number(), z.boolean()]).nullable(),
        }),
      )
      .openapi({
        description: 'What is different now. Only numbers (durations in milliseconds), true and false are shown',
      }),
    restart_needed: z.array(z.string()).openapi({ description: 'Keys that keep their old value until the next start' }),
  })
  .openapi('Reloaded')

const route = createRoute({
  method: 'post',
  path: '/api/v1/reload',
  summary:
    'Take the configuration up as it is now; a bad one changes nothing and is answered with 422 and every problem',
  responses: answers(200, 'It is in force', Reloaded),
})

/** The configuration file read again, on demand. */
export function addReloadRoute(app: OpenAPIHono<Served>, { reload }: Pick<ApiDeps, 'reload'>): void {
  app.openapi(route, (c) => {
    const reloaded = reload(callerOf(c))
    if (reloaded.kind === 'adopted')
      return c.json({ changes: [...reloaded.changes], restart_needed: [...reloaded.restartNeeded] }, 200)
    const members = { errors: reloaded.problems }
    return problem(c, 422, 'the configuration is refused; the one before stays in force', { members }) as never
  })
}
