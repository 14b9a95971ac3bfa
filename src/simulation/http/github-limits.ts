import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Asker } from './github-access.ts'
import type { GithubHost } from './github-host.ts'

const minute = 60_000
const hour = 60 * minute

interface Window {
  used: number
  resetAt: number
}

/** Rate limits as they are written down: a primary quota that a 304 does not use, one of registrations, and a secondary limit on demand. */
export function limits(host: GithubHost): MiddlewareHandler<Asker> {
  const windows = new Map<string, Window>()

  function windowOf(key: string, length: number): Window {
    const known = windows.get(key)
    if (known && known.resetAt > host.now()) return known
    // Told in whole seconds.
    const opened = { used: 0, resetAt: Math.ceil((host.now() + length) / 1_000) * 1_000 }
    windows.set(key, opened)
    return opened
  }

  return async (c, next) => {
    if (host.secondary && host.now() < host.secondary.until) {
      const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
      if (host.secondary.tells) {
        c.header('retry-after', String(Math.ceil((host.secondary.until - host.now()) / 1_000)))
      }
      return c.json({ message, documentation_url: '' }, 403)
    }
    const registers = c.req.path.endsWith('/generate-jitconfig')
    const limit = registers ? host.registrations : host.quota
    if (limit === null) return next()
    const resource = registers ? 'actions_runner_registration' : 'core'
    const window = windowOf(`${resource} ${c.get('asker')}`, registers ? 5 * minute : hour)
    const spent = window.used >= limit
    if (!spent) await next()
    if (!spent && c.res.status !== 304) window.used++
    const headers = {
      'x-ratelimit-limit': limit,
      'x-ratelimit-remaining': limit - window.used,
      'x-ratelimit-used': window.used,
      'x-ratelimit-reset': window.resetAt / 1_000,
      'x-ratelimit-resource': resource,
    }
    for (const [name, value] of Object.entries(headers)) c.header(name, String(value))
    if (spent) return c.json({ message: 'API rate limit exceeded for user ID 1.', documentation_url: '' }, 403)
  }
}

/** An unchanged answer is a 304 to whoever sends its weak tag back. The tag depends on the credential, as `Vary: Authorization` says. */
export const tags: MiddlewareHandler<Asker> = async (c, next) => {
  await next()
  if (c.req.method !== 'GET' || c.res.status !== 200) return
  const hash = createHash('sha256')
    .update(c.get('asker'))
    .update(await c.res.clone().text())
  const tag = `W/"${hash.digest('hex')}"`
  const headers = new Headers(c.res.headers)
  headers.set('etag', tag)
  headers.set('cache-control', 'private, max-age=60, s-maxage=60')
  headers.set('vary', 'Accept, Authorization, Cookie, X-GitHub-OTP')
  const unchanged = c.req.header('if-none-match') === tag
  if (unchanged) for (const name of ['content-type', 'content-length']) headers.delete(name)
  c.res = new Response(unchanged ? null : c.res.body, { status: unchanged ? 304 : 200, headers })
}
