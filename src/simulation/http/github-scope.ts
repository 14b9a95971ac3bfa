import type { Context } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { Page, PagingRule } from './paging.ts'
import { type Site, scopeAt } from './site.ts'

/** Where GitHub has runners, and how it pages and refuses. */
export const places = [
  { base: '/repos/:owner/:name', level: 'repository' },
  { base: '/orgs/:owner', level: 'organization' },
  { base: '/enterprises/:owner', level: 'enterprise' },
] as const satisfies readonly { base: string; level: Scope['level'] }[]

export const paging: PagingRule = { size: 'per_page', max: 100 }

export function within(
  site: Site,
  level: Scope['level'],
  answer: (c: Context, scope: Scope) => Response | Promise<Response>,
): (c: Context) => Response | Promise<Response> {
  return (c) => {
    const scope = scopeAt(site, level, c)
    return scope ? answer(c, scope) : notFound(c)
  }
}

export function notFound(c: Context): Response {
  return c.json({ message: 'Not Found', documentation_url: '', status: '404' }, 404)
}

export function linkHeader({ link }: Page<unknown>): Record<string, string> {
  return link ? { link } : {}
}
