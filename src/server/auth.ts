import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Clock } from '../clock.ts'
import type { Config, Role } from '../config/config.ts'
import { access, includes } from './access.ts'
import { createAttempts } from './attempts.ts'
import { peerOf, type Served } from './peer.ts'
import { problem } from './problem.ts'

type Tokens = Config['admin']['tokens']

/** Lets a caller through whose token bears the role that the route needs (`access.ts`). Without any configured token every caller is an admin. */
export function authorize(tokens: () => Tokens, clock: Clock): MiddlewareHandler<Served> {
  const badTokens = createAttempts(clock)
  return async (c, next) => {
    // Middleware is registered for all methods, a route for one. What is not there at all is told to readers only.
    const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
    const needed = route ? access.get(`${route.method} ${route.path}`) : 'read'
    if (needed === 'open') return next()

    const token = bearerToken(c.req.header('authorization'))
    const role = roleOf(token, tokens())
    if (role === null) {
      const wait = token === null ? null : badTokens.failed(peerOf(c))
      return wait === null ? unauthorized(c, token) : tooMany(c, wait)
    }
    if (needed === undefined) return problem(c, 403, 'no role may call this')
    if (!includes(role, needed)) return problem(c, 403, `this needs the role ${needed}; the token has ${role}`)
    return next()
  }
}

function bearerToken(authorization = ''): string | null {
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null
}

/** The role of a token. Every configured one is compared, as digests and in constant time, so that the time tells nothing. */
function roleOf(token: string | null, tokens: Tokens): Role | null {
  if (tokens.length === 0) return 'admin'
  if (token === null) return null
  const digest = sha256(token)
  let role: Role | null = null
  for (const known of tokens) if (timingSafeEqual(digest, sha256(known.token.reveal()))) role = known.role
  return role
}

function unauthorized(c: Context<Served>, token: string | null): Response {
  const challenge = `Bearer realm="muster"${token === null ? '' : ', error="invalid_token"'}`
  const detail = 'this needs a token of admin.tokens, sent as Authorization: Bearer'
  return problem(c, 401, detail, { headers: { 'www-authenticate': challenge } })
}

function tooMany(c: Context<Served>, seconds: number): Response {
  return problem(c, 429, 'too many requests with a wrong token', { headers: { 'retry-after': String(seconds) } })
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
