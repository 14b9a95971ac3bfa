import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import { matchedRoutes } from 'hono/route'
import type { Clock } from '../clock.ts'
import type { Config, Role } from '../config/config.ts'
import type { Secret } from '../secret.ts'
import { type Access, access, includes } from './access.ts'
import type { Attempts } from './attempts.ts'
import { peerOf, type Served } from './peer.ts'
import { problem } from './problem.ts'
import { readSession, sessionCookie } from './session.ts'

type Secrets = Pick<Config, 'admin' | 'dispatcherApi'>
type Tokens = Config['admin']['tokens']

/** Lets a caller through whose token, or session, bears the role that the route needs (`access.ts`). Without any configured token every caller is an admin. */
export function authorize(config: () => Secrets, clock: Clock, badTokens: Attempts): MiddlewareHandler<Served> {
  return async (c, next) => {
    const needed = neededFor(c)
    if (needed === 'open') return next()

    const { token, role, name } =
      needed === 'dispatch' ? caller(c, config()) : reader(c, config().admin.tokens, clock.now())
    if (role === null) {
      const wait = token === null ? null : badTokens.failed(peerOf(c))
      return wait === null ? unauthorized(c, token, needed) : tooMany(c, wait)
    }
    if (needed === undefined) return problem(c, 403, 'no role may call this')
    const least = needed === 'dispatch' ? 'operate' : needed
    if (!includes(role, least))
      return problem(
        c,
        403,
        `this needs the role ${least}, and the token has ${role}: use another token of admin.tokens`,
      )
    c.set('by', name)
    c.set('role', role)
    return next()
  }
}

/** What the route asks for; undefined for one that nobody thought about. */
function neededFor(c: Context<Served>): Access | undefined {
  // Middleware is registered for all methods, a route for one. What is not there at all is told to readers only.
  const matched = matchedRoutes(c)
  const route = matched.find(({ method }) => method !== 'ALL')
  if (route) return access.get(`${route.method} ${route.path}`)
  // Where callers dispatch, they may also look whether somebody is there.
  return matched.some(({ path }) => access.get(`POST ${path}`) === 'dispatch') ? 'dispatch' : 'read'
}

interface Caller {
  /** What may have been a guess; null where nothing was shown, or a session that has run out. */
  token: string | null
  role: Role | null
  /** The name of the token; `local` where none is needed. */
  name: string
}

function reader(c: Context<Served>, tokens: Tokens, now: number): Caller {
  const token = bearerToken(c.req.header('authorization'))
  const cookie = getCookie(c, sessionCookie)
  if (token !== null || cookie === undefined || tokens.length === 0) return { token, ...known(token, tokens) }
  const session = readSession(cookie, tokens, now)
  if (session.kind === 'valid') return { token: null, role: session.role, name: session.name }
  return { token: session.kind === 'forged' ? cookie : null, ...stranger }
}

/** Who dispatches starts code of theirs: here nobody is let in without a token, and a URL may carry it as its password. */
function caller(c: Context<Served>, { admin, dispatcherApi }: Secrets): Caller {
  const authorization = c.req.header('authorization')
  const token = bearerToken(authorization) ?? basicPassword(authorization)
  if (!dispatcherApi) return { token, ...known(token, admin.tokens) }
  if (token === null) return { token, ...stranger }
  if (isSame(sha256(token), dispatcherApi.token)) return { token, role: 'operate', name: 'dispatcher_api' }
  return { token, ...(admin.tokens.length === 0 ? stranger : known(token, admin.tokens)) }
}

const stranger = { role: null, name: '' }

function bearerToken(authorization = ''): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null
}

/** RFC 7617; the user is nobody's concern. */
function basicPassword(authorization = ''): string | null {
  const [, encoded = ''] = /^Basic +(\S+) *$/i.exec(authorization) ?? []
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  return password ?? null
}

/** Whose token it is, to whom a session is given; null for nobody's. */
export function holderOf(token: string, tokens: Tokens): Tokens[number] | null {
  const { name } = known(token, tokens)
  return tokens.find((one) => one.name === name) ?? null
}

/** Whose token it is. Every configured one is compared, as digests and in constant time, so that the time tells nothing. */
function known(token: string | null, tokens: Tokens): Pick<Caller, 'role' | 'name'> {
  if (tokens.length === 0) return { role: 'admin', name: 'local' }
  if (token === null) return stranger
  const digest = sha256(token)
  let found: Pick<Caller, 'role' | 'name'> = stranger
  for (const { role, name, token: theirs } of tokens) if (isSame(digest, theirs)) found = { role, name }
  return found
}

function isSame(digest: Buffer, known: Secret): boolean {
  return timingSafeEqual(digest, sha256(known.reveal()))
}

function unauthorized(c: Context<Served>, token: string | null, needed: Access | undefined): Response {
  const challenge = `Bearer realm="muster"${token === null ? '' : ', error="invalid_token"'}`
  const detail =
    needed === 'dispatch'
      ? 'this needs the token of dispatcher_api, sent as Authorization: Bearer or as a password'
      : 'this needs a token of admin.tokens, sent as Authorization: Bearer'
  return problem(c, 401, detail, { headers: { 'www-authenticate': challenge } })
}

function tooMany(c: Context<Served>, seconds: number): Response {
  return problem(c, 429, 'too many requests with a wrong token: wait as long as Retry-After says', {
    headers: { 'retry-after': String(seconds) },
  })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
