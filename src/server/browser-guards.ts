import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import type { Config } from '../config/config.ts'
import type { Served } from './peer.ts'
import { problem } from './problem.ts'
import { sessionCookie } from './session.ts'

const loopback = ['localhost', '127.0.0.1', '[::1]']

/**
 * Without tokens whoever reaches the listener is trusted, and any web page can point a name of its own at loopback (DNS rebinding).
 * What such a page cannot choose is the Host that its browser sends: only our own names are answered.
 */
export function knownHost(admin: () => Config['admin']): MiddlewareHandler<Served> {
  return async (c, next) => {
    const { tokens, listen } = admin()
    if (tokens.length > 0) return next()
    const { hostname } = hostOf(c.req.header('host') ?? new URL(c.req.url).host)
    if (hostname !== null && [...loopback, ...ownNames(listen.host)].includes(hostname)) return next()
    return problem(
      c,
      403,
      'this listener answers to localhost and its configured address; configure admin.tokens to use another name',
    )
  }
}

/**
 * Refuses a change that a page of another site may have made its visitor's browser ask for. A form can be sent from anywhere, so only the
 * pages' own (`takesForm`) are taken, and only where the browser says that one of our pages sent it; so must it where a cookie says who asks.
 */
export function sameSite(takesForm: (c: Context<Served>) => boolean): MiddlewareHandler<Served> {
  return async (c, next) => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)) return next()
    const type = c.req.header('content-type')
    const isForm = takesForm(c)
    const right = isForm ? /^application\/x-www-form-urlencoded\s*(;|$)/i : /^application\/json\s*(;|$)/i
    if (type !== undefined && !right.test(type)) {
      return problem(c, 415, `the body must be ${isForm ? 'a form' : 'application/json'}, or there must be none`)
    }
    const isCookie = c.req.header('authorization') === undefined && getCookie(c, sessionCookie) !== undefined
    const origin = c.req.header('origin')
    if (origin === undefined && !isForm && !isCookie) return next()
    const host = c.req.header('host') ?? new URL(c.req.url).host
    const isOurs = origin !== undefined && URL.canParse(origin) && new URL(origin).host === hostOf(host).host
    if (isOurs) return next()
    return problem(c, 403, 'a page of another site may not ask for this')
  }
}

/** A Host header in the form in which URLs are compared; null parts when it is none. */
function hostOf(header: string): { host: string | null; hostname: string | null } {
  const text = `http://${header}`
  return URL.canParse(text) ? new URL(text) : { host: null, hostname: null }
}

function ownNames(host: string): string[] {
  if (host === '') return []
  return [host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase()]
}
