import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Scope } from '../../core/scope.ts'
import type { Page, PagingRule } from './paging.ts'
import { answersOf } from './place.ts'
import type { Site } from './site.ts'

/** What Forgejo and Gitea share: places, pages, tokens, people. */
export const places = [
  { base: '/repos/:owner/:name', level: 'repository' },
  { base: '/orgs/:owner', level: 'organization' },
  { base: '/user', level: 'user' },
  { base: '/admin', level: 'instance' },
] as const satisfies readonly { base: string; level: Scope['level'] }[]

export type Place = (typeof places)[number]

export function paging({ maxResponseItems }: Site): PagingRule {
  return { size: 'limit', max: maxResponseItems }
}

export const { within, withOne } = answersOf(notFound)

export function notFound(c: Context): Response {
  return c.json({ message: "The target couldn't be found.", url: '', errors: [] }, 404)
}

/** A path that is known, but not with this method. */
export function notAllowed(c: Context): Response {
  return c.body(null, 405)
}

export function countHeaders(page: Page<unknown>): Record<string, string> {
  return { 'x-total-count': String(page.total), ...(page.link && { link: page.link }) }
}

const groups: Record<string, string> = {
  repos: 'repository',
  repositories: 'repository',
  orgs: 'organization',
  user: 'user',
  admin: 'admin',
}

/** `Authorization: token …` or `Bearer …`; 401 without the right one, 403 where the token's scopes do not reach. The version is open to all. */
export function tokenAuth(site: Site): MiddlewareHandler {
  return createMiddleware(async (c, next) => {
    const [, , , group = ''] = c.req.path.split('/')
    if (group === 'version') return next()
    const given = /^(?:token|bearer) +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    const about = `${site.url}/api/swagger`
    if (given === undefined) return c.json({ message: 'token is required', url: about }, 401)
    if (given !== site.token) return c.json({ message: 'user does not exist [uid: 0, name: ]', url: about }, 401)
    const needed = groups[group] ?? 'misc'
    if (!site.tokenScopes.includes('all') && !site.tokenScopes.includes(needed)) {
      const message = `token does not have at least one of required scope(s): [${c.req.method === 'GET' ? 'read' : 'write'}:${needed}]`
      return c.json({ message, url: about }, 403)
    }
    return next()
  })
}

/** RFC 3339 without a fraction, as Go writes whole seconds; "not yet" is the epoch, never null. */
export function goTime(at: number | null): string {
  return `${new Date(at ?? 0).toISOString().slice(0, 19)}Z`
}
