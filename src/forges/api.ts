import type { z } from 'zod'
import type { Clock } from '../clock.ts'
import { createHttpClient, type HttpAnswer, type HttpCall, HttpFailed } from '../http-client.ts'
import { ForgeLimited, ForgeMisshapen, ForgeRefused, ForgeUnreachable } from './errors.ts'

/** An answer in the expected shape, with its headers in lower case. */
export interface ForgeAnswer<T> {
  value: T
  status: number
  headers: Readonly<Record<string, string>>
}

export interface ForgeRequest<Schema extends z.ZodType> {
  method?: HttpCall['method']
  /** Below the base, already encoded segment by segment (see `path`). */
  path: string
  query?: Readonly<Record<string, string | number | readonly string[]>>
  json?: unknown
  /** Sent besides those of every call, and before them in rank. */
  headers?: Readonly<Record<string, string>>
  /** Reads the body; throws what is no JSON. Default `JSON.parse`, which rounds integers beyond 2^53. */
  parse?: (body: string) => unknown
  /** The shape that a 2xx answer must have. An empty body is undefined: only where nothing is expected may nothing come. */
  answer: Schema
}

/** JSON calls to one forge: authorised, bounded in time and size, checked, with errors that name the call and never a secret. */
export interface ForgeApi {
  /** Reads are tried again twice when the forge cannot be reached or answers 502 to 504; writes are sent once. */
  call<Schema extends z.ZodType>(
    request: ForgeRequest<Schema>,
    signal?: AbortSignal,
  ): Promise<ForgeAnswer<z.output<Schema>>>
}

/** Answers kept under their URL, to ask whether they have changed (`ETag`): GitHub counts a 304 against no quota. */
export interface AnswerCache {
  get(url: string): HttpAnswer | undefined
  set(url: string, answer: HttpAnswer): void
}

export interface ForgeApiOptions {
  /** Its path is kept: `https://host/git/` and `/api/v1/version` make `https://host/git/api/v1/version`. */
  base: URL
  ca: string | null
  clock: Clock
  /** Asked at each call, so that a rotated token comes with the next one. A rejection ends the call. */
  headers: (signal?: AbortSignal) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
  /** Asked after a 401: true when another token was found. Then, or when another is in use since it was sent, the call is sent once more, writes too: the first was not let in. */
  renew?: () => boolean
  onCall: (status: number | 'none') => void
  /** Every answer as it came, refusals and 304 too: what its headers tell of limits and of the forge's clock. */
  onAnswer?: (answer: HttpAnswer) => void
  /** Milliseconds for one call. Default 20 s. */
  deadline?: number
  /** Where answers with an `ETag` are kept. Default: nowhere. */
  cache?: AnswerCache
}

const retryPauses = [200, 1_000]

/** Joins path segments, each encoded; refuses `.` and `..`, which no name of a forge can be. */
export function path(strings: TemplateStringsArray, ...segments: (string | number)[]): string {
  return strings.reduce((text, piece, index) => {
    const segment = segments[index - 1]
    if (segment === '.' || segment === '..') throw new TypeError(`a path segment cannot be ${segment}`)
    return text + encodeURIComponent(String(segment)) + piece
  })
}

export function createForgeApi({
  base,
  ca,
  clock,
  headers,
  renew,
  onCall,
  onAnswer,
  deadline = 20_000,
  cache,
}: ForgeApiOptions): ForgeApi {
  const http = createHttpClient({ ca: ca ?? undefined })
  const prefix = base.pathname.replace(/\/+$/, '')

  async function once(call: HttpCall, name: string, signal?: AbortSignal): Promise<HttpAnswer> {
    try {
      const answer = await http.send(call, signal)
      onCall(answer.status)
      onAnswer?.(answer)
      return answer
    } catch (error) {
      onCall('none')
      throw new ForgeUnreachable(name, error instanceof HttpFailed ? error.message : 'it failed', error)
    }
  }

  return {
    async call({ method = 'GET', path, query = {}, json, headers: more, parse = JSON.parse, answer: schema }, signal) {
      const name = `${method} ${prefix}${path}`
      const url = new URL(base)
      url.pathname = prefix + path
      url.search = search(query)
      const kept = method === 'GET' ? cache?.get(url.href) : undefined
      const unless: Record<string, string> = kept?.headers.etag ? { 'if-none-match': kept.headers.etag } : {}
      let borne: string | undefined
      const send = async () => {
        const own = await headers(signal)
        borne = own.authorization
        const call: HttpCall = {
          method,
          url,
          headers: { ...own, ...more, ...unless },
          json,
          deadline,
        }
        return method === 'GET' ? retried(() => once(call, name, signal), clock, signal) : once(call, name, signal)
      }
      const first = await send()
      // Of several calls under way the first to be refused finds the new token; the others only see that it is there.
      const isRenewed = async () => renew !== undefined && (renew() || (await headers(signal)).authorization !== borne)
      const told = first.status === 401 && (await isRenewed()) ? await send() : first
      const answer = told.status === 304 && kept ? kept : told
      if (method === 'GET' && told.status === 200 && told.headers.etag) cache?.set(url.href, told)
      refuse(answer, name, clock)
      const read = schema.safeParse(parsed(answer, name, parse))
      if (!read.success) {
        const [issue] = read.error.issues
        throw new ForgeMisshapen(name, `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'not as expected'}`)
      }
      return { value: read.data, status: answer.status, headers: answer.headers }
    },
  }
}

/** Milliseconds since the epoch that a `Retry-After` names, at most an hour ahead; null when it names none. */
export function retryAfter(header: string | undefined, now: number): number | null {
  if (!header) return null
  const seconds = Number(header)
  const at = Number.isFinite(seconds) ? now + seconds * 1_000 : Date.parse(header)
  return Number.isNaN(at) ? null : Math.min(Math.max(at, now + 1_000), now + 3_600_000)
}

/** How a call can fail that would fail the same way at once. */
const hopeless: ReadonlySet<string> = new Set(['deadline', 'too_large', 'encoded'])

async function retried(attempt: () => Promise<HttpAnswer>, clock: Clock, signal?: AbortSignal): Promise<HttpAnswer> {
  for (const pause of retryPauses) {
    try {
      const answer = await attempt()
      if (answer.status < 502 || answer.status > 504) return answer
    } catch (error) {
      if (signal?.aborted || (error as ForgeUnreachable).cause instanceof HttpFailed === false) throw error
      // What took that long, or said that much, once is not asked again at once.
      if (hopeless.has(((error as ForgeUnreachable).cause as HttpFailed).code)) throw error
    }
    await clock.sleep(pause, signal)
  }
  return attempt()
}

function refuse(answer: HttpAnswer, name: string, clock: Clock): void {
  const { status, headers } = answer
  if (status >= 200 && status < 300) return
  const now = clock.now()
  const named = retryAfter(headers['retry-after'], now)
  const spent = headers['x-ratelimit-remaining'] === '0' ? Number(headers['x-ratelimit-reset']) * 1_000 : Number.NaN
  if (status === 429 || (status === 403 && (named !== null || spent > 0 || /rate limit/i.test(answer.body)))) {
    throw new ForgeLimited(name, named ?? (spent > now ? spent : now + 60_000))
  }
  throw new ForgeRefused(name, status, detail(answer), named)
}

/** The forge's own words, shortened and on one line; GitHub tells under `errors` what failed to validate. */
function detail({ body }: HttpAnswer): string {
  try {
    const { message, errors } = JSON.parse(body) as { message?: unknown; errors?: unknown }
    const reasons = (Array.isArray(errors) ? errors : []).map((error) => error?.message ?? error)
    const said = [message, ...reasons].filter((text) => typeof text === 'string')
    return said.join(': ').replaceAll(/\s+/g, ' ').slice(0, 200)
  } catch {
    // Not JSON: an HTML page or a proxy's word tells nobody anything.
  }
  return ''
}

function parsed(answer: HttpAnswer, name: string, parse: (body: string) => unknown): unknown {
  // Not null: that is what Forgejo says for a list without jobs.
  if (answer.body.trim() === '') return undefined
  try {
    return parse(answer.body)
  } catch {
    throw new ForgeMisshapen(name, 'it is not JSON; a login page or a proxy may have answered')
  }
}

function search(query: Readonly<Record<string, string | number | readonly string[]>>): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) params.append(key, String(one))
  }
  return params.toString()
}
