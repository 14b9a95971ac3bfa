import type { Scope } from '../../core/scope.ts'
import { path } from '../api.ts'

/** Where a scope is found on GitHub, and what a token needs there (fine-grained permission, classic scope). */
export interface Place {
  /** In the REST API: `/repos/o/r`, `/orgs/o` or `/enterprises/e`. */
  path: string
  /** On the web, below the host: what a runner is configured with. */
  page: string
  needs: { runners: string; hooks: string | null }
}

export function placeOf({ level, owner, name }: Scope): Place {
  switch (level) {
    case 'repository':
      return {
        path: path`/repos/${named(owner)}/${named(name)}`,
        page: path`/${named(owner)}/${named(name)}`,
        needs: {
          runners: 'the repository permission "Administration: write" (classic: repo)',
          hooks: 'the repository permission "Webhooks: write" (classic: admin:repo_hook)',
        },
      }
    case 'organization':
      return {
        path: path`/orgs/${named(owner)}`,
        page: path`/${named(owner)}`,
        needs: {
          runners: 'the organization permission "Self-hosted runners: write" (classic: admin:org)',
          hooks: 'the organization permission "Webhooks: write" (classic: admin:org_hook, of an owner)',
        },
      }
    case 'enterprise':
      return {
        path: path`/enterprises/${named(owner)}`,
        page: path`/enterprises/${named(owner)}`,
        needs: { runners: 'the classic scope manage_runners:enterprise', hooks: null },
      }
    case 'user':
    case 'instance':
      throw new TypeError(`GitHub has no runners at the level ${level}: use repository, organization or enterprise`)
  }
}

/** What is read about the jobs of a repository needs this. */
export const jobsNeed = 'the repository permission "Actions: read" (classic: repo)'

function named(text: string | null): string {
  if (!text) throw new TypeError('the scope of a GitHub instance needs its owner, and at repository level its name')
  return text
}
