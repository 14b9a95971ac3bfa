import type { Context, Hono } from 'hono'
import { covers, type Repository, type SimulatedJob } from '../state.ts'
import type { Asker } from './github-access.ts'
import type { GithubHost } from './github-host.ts'
import { jobJson, repositoryJson, runJson, time } from './github-payload.ts'
import { linkHeader, notFound, paging, within } from './github-scope.ts'
import { pageOf } from './paging.ts'
import type { Site } from './site.ts'

/** Repositories, runs and jobs. Jobs are listed per run only; there is no list for an organization. */
export function mountLists(api: Hono<Asker>, site: Site, host: GithubHost): void {
  mountRepositories(api, site, host)
  const { ground } = site.forge
  const jobs = createListedJobs(site, host)
  const runsOf = (c: Context) => {
    const home = site.forge.repository(c.req.param('owner') ?? '', c.req.param('name') ?? '')
    return [...ground.runs.values()].filter(({ repository }) => repository === home)
  }
  const latest = (runId: number) => jobs().filter((job) => job.runId === runId && job.latest)

  api.get(
    '/repos/:owner/:name/actions/runs',
    within(site, 'repository', (c) => {
      const wanted = c.req.query('status')
      const all = runsOf(c)
        .toReversed()
        .map((run) => ({ run, jobs: latest(run.id) }))
        .filter(({ run, jobs }) => jobs.length > 0 || run.createdAt <= ground.clock.now() - host.lag)
        .map(({ run, jobs }) => runJson(site, run, jobs))
        .filter(({ status, conclusion }) => !wanted || status === wanted || conclusion === wanted)
      const page = pageOf(c, all, paging)
      return c.json({ total_count: page.total, workflow_runs: page.items }, 200, linkHeader(page))
    }),
  )
  api.get(
    '/repos/:owner/:name/actions/runs/:run/jobs',
    within(site, 'repository', (c) => {
      const run = runsOf(c).find(({ id }) => String(id) === c.req.param('run'))
      if (!run) return notFound(c)
      const all = c.req.query('filter') === 'all' ? jobs().filter(({ runId }) => runId === run.id) : latest(run.id)
      const page = pageOf(c, all, paging)
      const body = { total_count: page.total, jobs: page.items.map((job) => jobJson(site, job)) }
      return c.json(body, 200, linkHeader(page))
    }),
  )
  api.get(
    '/repos/:owner/:name/actions/jobs/:job',
    within(site, 'repository', (c, scope) => {
      const job = jobs().find(({ id }) => String(id) === c.req.param('job'))
      return job && covers(scope, site.forge.jobs.runOf(job).repository) ? c.json(jobJson(site, job)) : notFound(c)
    }),
  )
}

function mountRepositories(api: Hono<Asker>, site: Site, host: GithubHost): void {
  const { ground } = site.forge
  const shown = (repository: Repository) => {
    const isPublic = host.publicRepositories.has(`${repository.owner}/${repository.name}`)
    const pushes = [...ground.runs.values()].filter((run) => run.repository === repository)
    return {
      ...repositoryJson(site, repository),
      ...(isPublic && { private: false, visibility: 'public' }),
      ...(pushes.length > 0 && { pushed_at: time(Math.max(...pushes.map(({ createdAt }) => createdAt))) }),
    }
  }
  api.get('/repositories/:id', (c) => {
    const repository = ground.repositories.get(Number(c.req.param('id')))
    return repository ? c.json(shown(repository)) : notFound(c)
  })
  api.get(
    '/repos/:owner/:name',
    within(site, 'repository', (c, { owner, name }) => {
      const repository = site.forge.repository(owner ?? '', name ?? '')
      return repository ? c.json({ ...shown(repository), network_count: 0, subscribers_count: 0 }) : notFound(c)
    }),
  )
  api.get(
    '/orgs/:owner/repos',
    within(site, 'organization', (c, { owner }) => {
      const all = [...ground.repositories.values()].filter((one) => one.owner === owner)
      const page = pageOf(c, all, paging)
      return c.json(page.items.map(shown), 200, linkHeader(page))
    }),
  )
}

/** All jobs as the lists show them: those of a while ago. A job whose needs are not done does not exist yet. */
function createListedJobs({ forge }: Site, { lag }: GithubHost): () => readonly SimulatedJob[] {
  const history = new Map<number, { at: number; job: SimulatedJob }[]>()
  if (lag > 0) {
    forge.watch((happening) => {
      if (happening.kind !== 'job') return
      const { job } = happening
      history.set(job.id, [...(history.get(job.id) ?? []), { at: forge.ground.clock.now(), job }])
    })
  }
  return () => {
    const until = forge.ground.clock.now() - lag
    const seen = ({ id }: SimulatedJob) => history.get(id)?.findLast(({ at }) => at <= until)?.job
    const all = [...forge.ground.jobs.values()].flatMap((job) => (lag > 0 ? (seen(job) ?? []) : job))
    return all.filter(({ status }) => status !== 'blocked')
  }
}
