import { z } from 'zod'
import type { HttpAnswer } from '../../http-client.ts'

/** What an answer of the dispatcher API means. `retryAt` is in epoch milliseconds. */
export type AnswerReading =
  | { kind: 'accepted'; name: string | null }
  | { kind: 'refused'; reason: string; retryAt: number | null }
  | { kind: 'unknown'; reason: string }

const started = z.object({ runners: z.array(z.object({ name: z.string().optional() })).min(1) })
const failed = z.object({ error: z.unknown().refine((error) => error !== undefined && error !== null) })

/** Reads an answer by the law of the dispatcher API: a 4xx and its own `{"error": …}` say no; what only a proxy can have said proves nothing. */
export function readAnswer(answer: HttpAnswer, now: number): AnswerReading {
  const { status } = answer
  const body = parsed(answer.body)
  const told = failed.safeParse(body)
  const detail = told.success ? `: ${text(told.data.error)}` : ''
  if (status >= 200 && status < 300) {
    const reading = accepted(status, body, detail)
    // Another Muster whose own dispatcher names runners cannot know the name yet: ours may bear any.
    const isProvisional = answer.headers['x-muster-names'] === 'provisional'
    return reading.kind === 'accepted' && isProvisional ? { ...reading, name: null } : reading
  }
  if (status >= 300 && status < 400)
    return refused(`answered ${status}, a redirect${destination(answer)}; set "url" to the dispatcher itself`)
  if (status >= 400 && status < 500) return refused(`answered ${status}${detail}`)
  if (told.success) return refused(`answered ${status}${detail}`)
  return {
    kind: 'unknown',
    reason: `answered ${status} without an "error" of the dispatcher API, so the runner may have been started`,
  }

  function refused(why: string): AnswerReading {
    return { kind: 'refused', reason: why, retryAt: retryAt(answer.headers['retry-after'], now) }
  }
}

// A 2xx that is not JSON is a login page or a proxy's; one without a runner says nothing about ours. Neither proves a start nor its absence.
function accepted(status: number, body: unknown, detail: string): AnswerReading {
  const answer = started.safeParse(body)
  if (answer.success) return { kind: 'accepted', name: answer.data.runners[0]?.name || null }
  const shape = body === undefined ? 'something that is not JSON' : `no {"runners":[{"name":"…"}]}${detail}`
  return { kind: 'unknown', reason: `answered ${status} with ${shape}; is "url" the address of a dispatcher?` }
}

/** `Retry-After` in seconds or as a date, kept between 1 s and 10 min: a dispatcher may be wrong about its clock or itself. */
export function retryAt(header: string | undefined, now: number): number | null {
  if (!header) return null
  const at = /^-?\d+$/.test(header) ? now + Number(header) * 1000 : Date.parse(header)
  return Number.isNaN(at) ? null : Math.min(Math.max(at, now + 1000), now + 600_000)
}

function destination({ headers }: HttpAnswer): string {
  const url = URL.canParse(headers.location ?? '') ? new URL(headers.location ?? '') : null
  return url ? ` to ${url.origin}` : ''
}

function text(error: unknown): string {
  return typeof error === 'string' ? error : JSON.stringify(error)
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
