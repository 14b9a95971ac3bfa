import { type Context, Hono } from 'hono'
import { etag } from 'hono/etag'
import type { Happening, SimulatedJob } from '../state.ts'
import { enterprise } from './deliver.ts'
import { mountHooks } from './github-hooks.ts'
import { jobJson, organizationJson, repositoryJson, runJson, senderJson, statusWord } from './github-payload.ts'
import { mountRunnerService, mountRunners } from './github-runners.ts'
import { linkHeader, notFound, paging, within } from './github-scope.ts'
import { pageOf } from './paging.ts'
import type { Site } from './site.ts'

/** A simulated forge that speaks GitHub's REST API, below `/api/v3` as on every host but github.com. */
export function githubApp(site: Site): Hono {
  const { forge } = site
  const app = new Hono()
  mountRunnerService(app, site)
  const api = new Hono()
  app.use('/api/v3/*', async (c, next) => {
    const given = /^(?:token|bearer) +(.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (given !== site.token) return c.json({ message: 'Bad credentials', documentation_url: '', status: '401' }, 401)
    c.header('x-github-api-version-selected', c.req.header('x-github-api-version') ?? '2022-11-28')
    return next()
  })
  // An unchanged list is answered 304 to whoever sends its weak tag back.
  app.use('/api/v3/*', etag({ weak: true }))
  // Only a server of one's own tells its version.
  api.get('/meta', (c) => c.json({ verifiable_password_authentication: true, installed_version: enterprise }))
  api.get('/versions', (c) => c.json(['2022-11-28', '2026-03-10']))
  api.get('/repositories/:id', (c) => {
    const repository = forge.ground.repositories.get(Number(c.req.param('id')))
    return repository ? c.json(repositoryJson(site, repository)) : notFound(c)
  })
  mountRepositories(api, site)
  mountRuns(api, site)
  mountRunners(api, site)
  mountHooks(api, site)
  app.route('/api/v3', api)
  app.notFound(notFound)
  forge.watch((happening) => announce(site, happening))
  return app
}

function mountRepositories(api: Hono, site: Site): void {
  const { forge } = site
  api.get(
    '/repos/:owner/:name',
    within(site, 'repository', (c, { owner, name }) => {
      const repository = forge.repository(owner ?? '', name ?? '')
      return repository ? c.json(repositoryJson(site, repository)) : notFound(c)
    }),
  )
  api.get(
    '/orgs/:owner/repos',
    within(site, 'organization', (c, { owner }) => {
      const all = [...forge.ground.repositories.values()].filter((one) => one.owner === owner)
      const page = pageOf(c, all, paging)
      return c.json(
        page.items.map((one) => repositoryJson(site, one)),
        200,
        linkHeader(page),
      )
    }),
  )
}

/** Jobs are listed per run only; there is no list for an organization. */
function mountRuns(api: Hono, site: Site): void {
  const { jobs, ground } = site.forge
  const runsOf = (c: Context) =>
    [...ground.runs.values()].filter(
      ({ repository }) => repository === site.forge.repository(c.req.param('owner') ?? '', c.req.param('name') ?? ''),
    )

  api.get(
    '/repos/:owner/:name/actions/runs',
    within(site, 'repository', (c) => {
      const wanted = c.req.query('status')
      const all = runsOf(c)
        .toReversed()
        .map((run) => runJson(site, run, jobs.ofRun(run.id).filter(isMade)))
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
      const all = c.req.query('filter') === 'all' ? [...ground.jobs.values()] : jobs.ofRun(run.id)
      const page = pageOf(
        c,
        all.filter((job) => job.runId === run.id && isMade(job)),
        paging,
      )
      const body = { total_count: page.total, jobs: page.items.map((job) => jobJson(site, job)) }
      return c.json(body, 200, linkHeader(page))
    }),
  )
  api.get(
    '/repos/:owner/:name/actions/jobs/:job',
    within(site, 'repository', (c, scope) => {
      const job = jobs.inScope(scope).find((one) => isMade(one) && String(one.id) === c.req.param('job'))
      return job ? c.json(jobJson(site, job)) : notFound(c)
    }),
  )
}

/** A job whose needs are not done does not exist yet. */
function isMade({ status }: SimulatedJob): boolean {
  return status !== 'blocked'
}

function announce(site: Site, happening: Happening): void {
  const { forge } = site
  if (happening.kind === 'pushed') {
    const { run } = happening
    const payload = () => ({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: run.commit,
      repository: repositoryJson(site, run.repository),
      sender: senderJson(site),
    })
    forge.hooks.announce({ event: 'push', action: null, repository: run.repository, jobId: null, payload })
  }
  if (happening.kind === 'job' && isMade(happening.job)) {
    const { job, run } = happening
    const action = statusWord(job)
    const payload = () => ({
      action,
      workflow_job: jobJson(site, job),
      repository: repositoryJson(site, run.repository),
      organization: organizationJson(site, run.repository),
      sender: senderJson(site),
    })
    forge.hooks.announce({ event: 'workflow_job', action, repository: run.repository, jobId: job.id, payload })
  }
}
