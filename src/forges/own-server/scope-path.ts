import type { Scope } from '../../core/scope.ts'
import { path } from '../api.ts'

/** Where a scope is found in the API that Forgejo and Gitea share; `/actions` and `/hooks` lie below it. */
export function scopePath({ level, owner, name }: Scope): string {
  switch (level) {
    case 'repository':
      return path`/api/v1/repos/${named(owner)}/${named(name)}`
    case 'organization':
      return path`/api/v1/orgs/${named(owner)}`
    case 'user':
      return '/api/v1/user'
    case 'instance':
      return '/api/v1/admin'
    case 'enterprise':
      throw new TypeError('Forgejo and Gitea have no enterprises: use repository, organization, user or instance')
  }
}

function named(text: string | null): string {
  if (!text) throw new TypeError('the scope needs its owner, and at repository level its name')
  return text
}
