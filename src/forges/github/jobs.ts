import type { ToldJob } from '../../core/job.ts'
import type { JobList } from '../../core/look.ts'
import type { Scope } from '../../core/scope.ts'
import { path } from '../api.ts'
import { ForgeError, ForgeLimited, ForgeRefused, ForgeUnreachable } from '../errors.ts'
import { stateOf, toldJob } from '../workflow-job.ts'
import type { GithubApi } from './client.ts'
import { concurrently } from './concurrently.ts'
import { countedPages, type Listed, linkedPages, perPage } from './pages.ts'
import { jobsNeed } from './place.ts'
import { jobs, type Repository, type Run, repositories, runs } from './schema.ts'

/** A search by status answers this many runs at most. */
const runsListed = 1_000

/**
 * Every status of a run that may hold queued jobs, in the order in which a run moves on, so that one that does so meanwhile is still met.
 * A matrix with jobs held back is `pending` as a whole while others of it are queued (seen in skillberry-ai/cap-evolve#228).
 */
const openStatuses = ['waiting', 'pending', 'queued', 'in_progress'] as const

/** Requests are asked to come one by one; a few at once is what a large organization needs. */
const atOnce = 4

export interface JobLook {
  api: GithubApi
  signal: AbortSignal
  /** Called for a repository whose jobs could not be had. */
  onSkip: (repository: string, why: ForgeError) => void
}

/**
 * The queued, running and waiting jobs of a scope. GitHub lists jobs by run, and runs by repository: an organization is walked
 * through, and an enterprise, whose repositories cannot be listed, is null.
 */
export async function listJobs(look: JobLook, scope: Scope): Promise<JobList | null> {
  const { level, owner, name } = scope
  if (level === 'repository') return { filter: null, ...(await repositoryJobs(look, `${owner}/${name}`)) }
  if (level === 'organization') return { filter: null, ...(await organizationJobs(look, owner ?? '')) }
  return null
}

interface FoundJobs {
  complete: boolean
  repositories?: ReadonlySet<string>
  jobs: readonly ToldJob[]
}

async function organizationJobs(look: JobLook, organization: string): Promise<FoundJobs> {
  const { complete, rows } = await organizationRepositories(look, organization)
  // A token sees no more than the repositories that it was given; webhooks come from all of them.
  const repositories = new Set(rows.map(({ full_name }) => full_name.toLowerCase()))
  const found: ToldJob[] = []
  let whole = complete
  const live = rows.filter(({ archived, disabled }) => !archived && !disabled)
  await concurrently(live, atOnce, async (repository) => {
    try {
      const one = await repositoryJobs(look, repository.full_name)
      found.push(...one.jobs)
      whole &&= one.complete
    } catch (error) {
      if (!isOfOneRepository(error) || look.signal.aborted) throw error
      look.onSkip(repository.full_name, error)
      whole = false
    }
  })
  return { complete: whole, repositories, jobs: found }
}

/** A spent quota, a bad token and silence are the same everywhere; anything else may be one repository's own trouble. */
function isOfOneRepository(error: unknown): error is ForgeError {
  if (error instanceof ForgeLimited || error instanceof ForgeUnreachable) return false
  if (error instanceof ForgeRefused && error.status === 401) return false
  return error instanceof ForgeError
}

/** The last pushed first. They are asked for by name, because a push would move one between the pages. */
async function organizationRepositories({ api, signal }: JobLook, organization: string): Promise<Listed<Repository>> {
  const { complete, rows } = await linkedPages((page) =>
    api.call(
      {
        path: path`/orgs/${organization}/repos`,
        query: { type: 'all', sort: 'full_name', direction: 'asc', per_page: perPage, page },
        answer: repositories,
        needs: 'the repository permission "Metadata: read" (classic: repo)',
      },
      signal,
    ),
  )
  return { complete, rows: rows.toSorted((a, b) => pushedAt(b) - pushedAt(a)) }
}

function pushedAt({ pushed_at }: Repository): number {
  return pushed_at ? Date.parse(pushed_at) || 0 : 0
}

async function repositoryJobs(look: JobLook, fullName: string): Promise<FoundJobs> {
  const open = new Map<string, Run>()
  let complete = true
  for (const status of openStatuses) {
    const listed = await listRuns(look, fullName, status)
    for (const run of listed.rows) open.set(run.id, run)
    complete &&= listed.complete
  }
  const found: ToldJob[] = []
  await concurrently(open.values(), atOnce, async (run) => {
    const one = await runJobs(look, fullName, run)
    found.push(...one.jobs)
    complete &&= one.complete
  })
  return { complete, jobs: found }
}

function listRuns({ api, signal }: JobLook, fullName: string, status: string): Promise<Listed<Run>> {
  return countedPages(async (page) => {
    const { value } = await api.call(
      {
        path: `${repositoryPath(fullName)}/actions/runs`,
        query: { status, exclude_pull_requests: 'true', per_page: perPage, page },
        answer: runs,
        needs: jobsNeed,
      },
      signal,
    )
    return { total: value.total_count, rows: value.workflow_runs }
  }, runsListed)
}

/** The jobs of a run that are not finished. Ghost runs, which stay queued for ever, have none; nor has a run that was deleted meanwhile. */
async function runJobs({ api, signal }: JobLook, fullName: string, run: Run): Promise<FoundJobs> {
  const repository = { name: run.repository.full_name, id: run.repository.id }
  try {
    const { complete, rows } = await countedPages(async (page) => {
      const { value } = await api.call(
        {
          path: `${repositoryPath(fullName)}${path`/actions/runs/${run.id}/jobs`}`,
          query: { filter: 'latest', per_page: perPage, page },
          answer: jobs,
          needs: jobsNeed,
        },
        signal,
      )
      return { total: value.total_count, rows: value.jobs }
    })
    // A status that nobody knows is no demand, and no end either.
    const told = rows.map((row) => toldJob(row, stateOf(row.status) ?? 'waiting', repository))
    return { complete, jobs: told.filter((job) => job.state !== 'finished') }
  } catch (error) {
    if (error instanceof ForgeRefused && error.status === 404) return { complete: true, jobs: [] }
    throw error
  }
}

function repositoryPath(fullName: string): string {
  const [owner = '', name = ''] = fullName.split('/')
  return path`/repos/${owner}/${name}`
}
