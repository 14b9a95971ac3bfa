import type { Context } from 'hono'
import type { Scope } from '../../core/scope.ts'
import { type Site, scopeAt } from './site.ts'

type Answered = Response | Promise<Response>

/** How a dialect answers at its places; `notFound` says in its words that nothing is there. */
export function answersOf(notFound: (c: Context) => Response) {
  /** Within the scope that the path speaks of. */
  function within(site: Site, level: Scope['level'], answer: (c: Context, scope: Scope) => Answered) {
    return (c: Context): Answered => {
      const scope = scopeAt(site, level, c)
      return scope ? answer(c, scope) : notFound(c)
    }
  }

  /** For the one thing there that `:id` names. */
  function withOne<T>(
    site: Site,
    level: Scope['level'],
    find: (scope: Scope, id: string) => T | null | undefined,
    answer: (c: Context, one: T, scope: Scope) => Answered,
  ) {
    return within(site, level, (c, scope) => {
      const one = find(scope, c.req.param('id') ?? '')
      return one ? answer(c, one, scope) : notFound(c)
    })
  }

  return { within, withOne }
}
