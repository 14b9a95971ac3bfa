import type { z } from '@hono/zod-openapi'
import { Problem } from './api-schemas.ts'

const refused = {
  description: 'What was wrong, as problem details (RFC 9457)',
  content: { 'application/problem+json': { schema: Problem } },
}

/** The answers of an operation that succeeds with `schema`. */
export function answers<Schema extends z.ZodType, Status extends 200 | 202>(
  status: Status,
  description: string,
  schema: Schema,
) {
  const good = { description, content: { 'application/json': { schema } } }
  return { [status]: good, '4XX': refused, '5XX': refused } as Record<Status, typeof good> &
    Record<'4XX' | '5XX', typeof refused>
}
