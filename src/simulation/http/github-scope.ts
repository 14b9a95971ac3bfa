import type { Context } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { Page, PagingRule } from './paging.ts'
import { answersOf } from './place.ts'

/** Where GitHub has runners, and how it pages and refuses. */
export const places = [
  { base: '/repos/:owner/:name', level: 'repository' },
  { base: '/orgs/:owner', level: 'organization' },
  { base: '/enterprises/:owner', level: 'enterprise' },
] as const satisfies readonly { base: string; level: Scope['level'] }[]

/** Where it has webhooks over REST. */
export const hookPlaces = [places[0], places[1]] as const

export const paging: PagingRule = { size: 'per_page', max: 100 }

export const { within, withOne } = answersOf(notFound)

export function notFound(c: Context): Response {
  return c.json({ message: 'Not Found', documentation_url: '', status: '404' }, 404)
}

export function linkHeader({ link }: Page<unknown>): Record<string, string> {
  return link ? { link } : {}
}
