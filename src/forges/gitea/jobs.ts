import type { JobList } from '../../core/look.ts'
import type { Scope } from '../../core/scope.ts'
import type { Listed } from '../own-server/pages.ts'
import { stateOf, toldJob } from '../workflow-job.ts'
import type { ListedJob } from './schema.ts'

/** The list in our words. A status that nobody knows proves nothing. */
export function jobList({ complete, rows }: Listed<ListedJob>, scope: Scope): JobList {
  const told = rows.map((row) => ({ row, state: stateOf(row.status) }))
  const jobs = told.flatMap(({ row, state }) =>
    state === null || state === 'finished' ? [] : [toldJob(row, state, { name: repositoryOf(row, scope), id: null })],
  )
  return { complete: complete && told.every(({ state }) => state !== null), filter: null, jobs }
}

/** `{owner}/{name}` before `/actions/`. Names are made of these characters alone, so nothing is escaped. */
const inApi = /\/api\/v1\/repos\/([\w.-]+)\/([\w.-]+)\/actions\//
const inPage = /^https?:\/\/[^?#]*\/([\w.-]+)\/([\w.-]+)\/actions\/(?:runs|jobs)\//

/**
 * A row names its repository in its addresses alone: it has no id of it, and a run can be asked for only by who knows the repository
 * (1.25 to 1.27). Their host is the one that the server believes to have, and what follows `/actions/` changes with the version.
 */
function repositoryOf(row: ListedJob, scope: Scope): string | null {
  if (scope.level === 'repository') return `${scope.owner}/${scope.name}`
  const [, owner, name] =
    inApi.exec(row.run_url ?? '') ?? inApi.exec(row.url ?? '') ?? inPage.exec(row.html_url ?? '') ?? []
  return owner && name ? `${owner}/${name}` : null
}
