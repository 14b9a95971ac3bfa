import type { Clock } from '../../clock.ts'
import type { ToldJob } from '../../core/job.ts'
import type { JobList } from '../../core/look.ts'
import type { Scope } from '../../core/scope.ts'
import { ForgeError, ForgeLimited, ForgeRefused, ForgeUnreachable } from '../errors.ts'
import type { JobQuery } from '../forge.ts'
import type { GithubApi } from './client.ts'
import { concurrently } from './concurrently.ts'
import type { Listed } from './pages.ts'
import { isLive, listRepositories } from './repositories.ts'
import { type Asking, atOnce, type FoundJobs, openJobs, recentJobs } from './runs.ts'
import type { Repository } from './schema.ts'

const hour = 60 * 60_000

export interface JobListsOptions {
  api: GithubApi
  scope: Scope
  clock: Pick<Clock, 'monotonic'>
  /** Called for a repository whose jobs could not be had. */
  onSkip: (repository: string, why: ForgeError) => void
}

/** See `Forge.jobs`. */
export type ListJobs = (query: Pick<JobQuery, 'only'>, signal: AbortSignal) => Promise<JobList | null>

/**
 * The queued, running and waiting jobs of a scope. GitHub lists them by run, and runs by repository: an organization is walked through, and
 * an enterprise, whose repositories cannot be listed, is null. Where webhooks work, only the repositories with open jobs are asked, and one
 * further one an hour.
 */
export function createJobLists({ api, scope, clock, onSkip }: JobListsOptions): ListJobs {
  const { level, owner, name } = scope
  let known: { repositories: Listed<Repository>; at: number } | null = null
  let visit: { at: number; repository: string } | null = null

  async function repositoriesOf(asking: Asking): Promise<Listed<Repository>> {
    const repositories = await listRepositories(asking, owner ?? '')
    known = { repositories, at: clock.monotonic() }
    return repositories
  }

  async function wholeOrganization(asking: Asking): Promise<JobList> {
    const { complete, rows } = await repositoriesOf(asking)
    const names = rows.filter(isLive).map(({ full_name }) => full_name)
    const found = await eachRepository(asking, names, openJobs)
    // A token sees no more than the repositories that it was given; webhooks come from all of them.
    const idle = rows.filter((one) => !isLive(one)).map(({ full_name }) => full_name)
    return {
      complete: complete && found.complete,
      filter: null,
      repositories: proven(found.covered, idle),
      jobs: found.jobs,
    }
  }

  async function quiet(asking: Asking, only: readonly string[]): Promise<JobList> {
    const asked = await eachRepository(asking, only, unlessUnseen)
    const further = await furtherRepository(asking, only)
    // It has more runs than one page as a rule; then its list tells of jobs, and proves nothing.
    const visited = await eachRepository(asking, further, recentJobs)
    return {
      complete: asked.complete,
      filter: null,
      repositories: proven(asked.covered, visited.covered),
      jobs: [...asked.jobs, ...visited.jobs],
    }
  }

  /** The repository whose turn it is, once an hour; none at other times. */
  async function furtherRepository(asking: Asking, only: readonly string[]): Promise<readonly string[]> {
    const now = clock.monotonic()
    if (visit && now - visit.at < hour) return []
    const asked = new Set(only.map((one) => one.toLowerCase()))
    const others = (await allRepositories(asking)).filter((one) => !asked.has(one.toLowerCase())).sort()
    const next = others.find((one) => one > (visit?.repository ?? '')) ?? others[0]
    visit = { at: now, repository: next ?? '' }
    return next === undefined ? [] : [next]
  }

  async function allRepositories(asking: Asking): Promise<string[]> {
    if (level === 'repository') return [`${owner}/${name}`]
    const fresh = known && clock.monotonic() - known.at < hour ? known.repositories : await repositoriesOf(asking)
    return fresh.rows.filter(isLive).map(({ full_name }) => full_name)
  }

  async function eachRepository(
    asking: Asking,
    names: readonly string[],
    list: (asking: Asking, repository: string) => Promise<FoundJobs & { unseen?: boolean }>,
  ) {
    const jobs: ToldJob[] = []
    const covered: string[] = []
    let complete = true
    await concurrently(names, atOnce, async (repository) => {
      try {
        const one = await list(asking, repository)
        jobs.push(...one.jobs)
        if (one.complete && !one.unseen) covered.push(repository)
        complete &&= one.complete
      } catch (error) {
        if (level === 'repository' || !isOfOneRepository(error) || asking.signal.aborted) throw error
        onSkip(repository, error)
        complete = false
      }
    })
    return { jobs, covered, complete }
  }

  /** Deleted, renamed, or not given to the token: a look at everything does not meet it either. It proves nothing, and is no trouble. */
  async function unlessUnseen(asking: Asking, repository: string) {
    try {
      return { ...(await openJobs(asking, repository)), unseen: false }
    } catch (error) {
      const unseen = error instanceof ForgeRefused && (error.status === 404 || error.status === 301)
      if (level === 'repository' || !unseen) throw error
      return { complete: true, jobs: [], unseen }
    }
  }

  return async ({ only }, signal) => {
    const asking = { api, signal }
    if (level !== 'repository' && level !== 'organization') return null
    if (only !== null) return quiet(asking, only)
    if (level === 'organization') return wholeOrganization(asking)
    return { filter: null, ...(await openJobs(asking, `${owner}/${name}`)) }
  }
}

function proven(...lists: (readonly string[])[]): ReadonlySet<string> {
  return new Set(lists.flat().map((one) => one.toLowerCase()))
}

/** A spent quota, a bad token and silence are the same everywhere; anything else may be one repository's own trouble. */
function isOfOneRepository(error: unknown): error is ForgeError {
  if (error instanceof ForgeLimited || error instanceof ForgeUnreachable) return false
  if (error instanceof ForgeRefused && error.status === 401) return false
  return error instanceof ForgeError
}
