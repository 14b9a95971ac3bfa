import { path } from '../api.ts'
import { type Listed, linkedPages, perPage } from './pages.ts'
import type { Asking } from './runs.ts'
import { type Repository, repositories } from './schema.ts'

/** What an organization's list of repositories needs. */
export const repositoriesNeed = 'the repository permission "Metadata: read" (classic: repo)'

/** The last pushed first. They are asked for by name, because a push would move one between the pages. */
export async function listRepositories({ api, signal }: Asking, organization: string): Promise<Listed<Repository>> {
  const { complete, rows } = await linkedPages((page) =>
    api.call(
      {
        path: path`/orgs/${organization}/repos`,
        query: { type: 'all', sort: 'full_name', direction: 'asc', per_page: perPage, page },
        answer: repositories,
        needs: repositoriesNeed,
      },
      signal,
    ),
  )
  return { complete, rows: rows.toSorted((a, b) => pushedAt(b) - pushedAt(a)) }
}

/** No job runs in the others. */
export function isLive({ archived, disabled }: Repository): boolean {
  return !archived && !disabled
}

function pushedAt({ pushed_at }: Repository): number {
  return pushed_at ? Date.parse(pushed_at) || 0 : 0
}
