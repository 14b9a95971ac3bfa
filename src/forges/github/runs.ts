import type { ToldJob } from '../../core/job.ts'
import { path } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import { stateOf, toldJob } from '../workflow-job.ts'
import type { GithubApi } from './client.ts'
import { concurrently } from './concurrently.ts'
import { countedPages, type Listed, perPage } from './pages.ts'
import { jobsNeed } from './place.ts'
import { jobs, type Run, runs } from './schema.ts'

/** A search by status answers this many runs at most. */
const runsListed = 1_000

/**
 * Every status of a run that may hold queued jobs, in the order in which a run moves on, so that one that does so meanwhile is still met.
 * A matrix with jobs held back is `pending` as a whole while others of it are queued (seen in skillberry-ai/cap-evolve#228).
 */
export const openStatuses = ['waiting', 'pending', 'queued', 'in_progress'] as const

/** How many runs or repositories are worked on together; the client lets as many reads out at once. */
export const atOnce = 4

export interface Asking {
  api: GithubApi
  signal: AbortSignal
}

export interface FoundJobs {
  complete: boolean
  jobs: readonly ToldJob[]
}

/** The queued, running and waiting jobs of a repository: GitHub lists jobs by run, and runs by one status at a time. */
export async function openJobs(asking: Asking, fullName: string): Promise<FoundJobs> {
  const open = new Map<string, Run>()
  let complete = true
  for (const status of openStatuses) {
    const listed = await countedPages((page) => listRuns(asking, fullName, { status, page }), runsListed)
    for (const run of listed.rows) open.set(run.id, run)
    complete &&= listed.complete
  }
  return jobsOf(asking, fullName, { complete, rows: [...open.values()] })
}

/** The same of its newest 100 runs, whatever their status, by one call: complete only where it has no more. */
export async function recentJobs(asking: Asking, fullName: string): Promise<FoundJobs> {
  const { total, rows } = await newestRuns(asking, fullName)
  return jobsOf(asking, fullName, {
    complete: rows.length >= total,
    rows: rows.filter(({ status }) => status !== 'completed'),
  })
}

/** How many runs there are, and the newest of them. */
export function newestRuns(asking: Asking, fullName: string) {
  return listRuns(asking, fullName, { page: 1 })
}

async function listRuns({ api, signal }: Asking, fullName: string, which: { status?: string; page: number }) {
  const { value } = await api.call(
    {
      path: `${repositoryPath(fullName)}/actions/runs`,
      query: { ...which, exclude_pull_requests: 'true', per_page: perPage },
      answer: runs,
      needs: jobsNeed,
    },
    signal,
  )
  return { total: value.total_count, rows: value.workflow_runs }
}

async function jobsOf(asking: Asking, fullName: string, runs: Listed<Run>): Promise<FoundJobs> {
  const found: ToldJob[] = []
  let { complete } = runs
  await concurrently(runs.rows, atOnce, async (run) => {
    const one = await runJobs(asking, fullName, run)
    found.push(...one.jobs)
    complete &&= one.complete
  })
  return { complete, jobs: found }
}

/** The jobs of a run that are not finished. Ghost runs, which stay queued for ever, have none; nor has a run that was deleted meanwhile. */
async function runJobs({ api, signal }: Asking, fullName: string, run: Run): Promise<FoundJobs> {
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
