import { STATUS_CODES } from 'node:http'
import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Ids } from '../ids.ts'
import type { Log } from '../log.ts'
import { BadCursor, StoreUnavailable } from '../store/store.ts'

/** Seconds after which a client may ask again when the state could not be read or written. */
export const retryAfterUnavailable = 10

export interface ProblemOptions {
  headers?: Readonly<Record<string, string>>
  /** Further members of the problem object. */
  members?: Readonly<Record<string, unknown>>
}

/** An answer that says what was wrong, as RFC 9457 problem details. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  detail: string,
  { headers, members }: ProblemOptions = {},
): Response {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...members }
  return c.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json', ...headers })
}

export function unknownPath(c: Context): Response {
  return problem(c, 404, 'there is nothing at this path')
}

/** What a thrown error becomes: its own status for an `HTTPException`, 503 while the state is out of reach, else 500 with an id that the log has too. */
export function answerErrors({ log, ids }: { log: Log; ids: Ids }): ErrorHandler {
  return (error, c) => {
    if (error instanceof HTTPException) return problem(c, error.status as ContentfulStatusCode, error.message)
    if (error instanceof BadCursor) return problem(c, 400, error.message)
    if (error instanceof StoreUnavailable) {
      const headers = { 'retry-after': String(retryAfterUnavailable) }
      return problem(c, 503, 'the state cannot be read or written now: the log tells why; ask again in a while', {
        headers,
      })
    }
    const id = ids()
    log.error({ id, err: error }, 'a request failed')
    return problem(c, 500, 'this failed on our side; the log tells why, under this id', { members: { id } })
  }
}
