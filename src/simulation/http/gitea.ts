import { type Context, Hono } from 'hono'
import type { Scope } from '../../core/scope.ts'
import { seededChoices, shuffled } from '../choices.ts'
import type { Happening, Run, SimulatedJob, SimulatedRunner } from '../state.ts'
import { objectOf } from './body.ts'
import {
  countHeaders,
  goTime,
  notAllowed,
  notFound,
  paging,
  places,
  tokenAuth,
  within,
  withOne,
} from './gitea-family.ts'
import { mountHooks } from './gitea-family-hooks.ts'
import { organizationJson, pushJson, repositoryJson, userJson } from './gitea-family-payload.ts'
import { pageOf } from './paging.ts'
import { mountRunnerService } from './runner-rpc.ts'
import type { Site } from './site.ts'

const releases = { '1.24': '1.24.7', '1.25': '1.25.5', '1.26': '1.26.3', '1.27': '1.27.0' } as const

/** A simulated forge that speaks Gitea's API, as written down for versions 1.24 to 1.27. */
export function giteaApp(site: Site): Hono {
  const { forge } = site
  const version = versionOf(site)
  const order = orderOf(site)
  const app = new Hono()
  mountRunnerService(app, site)
  const api = new Hono()
  app.use('/api/v1/*', tokenAuth(site))
  api.get('/version', (c) => c.json({ version: releases[version] }))
  api.get('/repositories/:id', (c) => {
    const repository = forge.ground.repositories.get(Number(c.req.param('id')))
    return repository ? c.json(repositoryJson(site, repository)) : notFound(c)
  })
  for (const { base, level } of places) {
    mountRunners(api, site, base, level, order)
    if (version === '1.24') continue
    api.get(
      `${base}/actions/jobs`,
      within(site, level, (c, scope) => listJobs(c, site, order(forge.jobs.inScope(scope)))),
    )
    if (level === 'repository') mountRuns(api, site, base)
  }
  mountHooks(api, site)
  // Only now: Hono takes over the routes that are there at this moment.
  app.route('/api/v1', api)
  app.notFound(notFound)
  forge.watch((happening) => announce(site, happening))
  return app
}

function versionOf({ forge }: Site): keyof typeof releases {
  if (forge.version.kind !== 'gitea') throw new Error('this forge is no Gitea')
  return forge.version.version
}

type Order = <T>(rows: readonly T[]) => T[]

/** The order of rows that no query asks for: up to 1.26 whatever the database likes, and another one after each write. */
function orderOf({ forge }: Site): Order {
  let writes = 0
  forge.watch(() => writes++)
  const isOrdered = forge.version.kind === 'gitea' && forge.version.version >= '1.27'
  return (rows) => (isOrdered ? [...rows] : shuffled(rows, seededChoices(writes)))
}

function mountRunners(api: Hono, site: Site, base: string, level: Scope['level'], order: Order): void {
  const { runners } = site.forge
  const version = versionOf(site)
  const path = `${base}/actions/runners`
  const token = within(site, level, (c, scope) => c.json({ token: runners.registrationToken(scope) }))
  api.post(`${path}/registration-token`, token)
  if (version < '1.26')
    api.get(level === 'instance' ? '/admin/runners/registration-token' : `${path}/registration-token`, token)
  api.all(`${path}/registration-token`, notAllowed)

  // The admin list shows the runners of every scope, the others only their own.
  const visible = (scope: Scope) =>
    level === 'instance'
      ? [...site.forge.ground.runners.values()].filter(({ goneAt }) => goneAt === null)
      : runners.of(scope)
  const runnerAt = (answer: (c: Context, runner: SimulatedRunner) => Response | Promise<Response>) =>
    withOne(site, level, (scope, asked) => visible(scope).find(({ id }) => String(id) === asked), answer)

  api.get(
    path,
    within(site, level, (c, scope) => {
      const only = version >= '1.26' ? c.req.query('disabled') : undefined
      const asked = visible(scope).filter(({ disabled }) => only === undefined || String(disabled) === only)
      // By whole seconds, so that many are equal.
      const lastOnline = ({ contactAt }: SimulatedRunner) => Math.floor((contactAt ?? 0) / 1_000)
      const all = order(asked).sort((a, b) => lastOnline(b) - lastOnline(a))
      const page = pageOf(c, all, paging(site))
      return c.json({ runners: page.items.map((runner) => runnerJson(site, runner)), total_count: page.total })
    }),
  )
  api.get(
    `${path}/:id`,
    runnerAt((c, runner) => c.json(runnerJson(site, runner))),
  )
  api.delete(
    `${path}/:id`,
    runnerAt((c, runner) => {
      runners.remove(runner)
      return c.body(null, 204)
    }),
  )
  if (version >= '1.26') {
    api.patch(
      `${path}/:id`,
      runnerAt(async (c, runner) => {
        const { disabled } = await objectOf(c)
        if (typeof disabled !== 'boolean') return c.json({ message: '[Disabled]: Required', url: '' }, 422)
        runner.disabled = disabled
        return c.json(runnerJson(site, runner))
      }),
    )
  }
  api.all(`${path}/:id`, notAllowed)
}

function runnerJson(site: Site, runner: SimulatedRunner) {
  const { runners } = site.forge
  return {
    id: runner.id,
    name: runner.name,
    status: runners.isOnline(runner) ? 'online' : 'offline',
    busy: runners.isReporting(runner),
    ...(versionOf(site) >= '1.26' && { disabled: runner.disabled }),
    ephemeral: runner.ephemeral,
    labels: runner.labels.map((name, id) => ({ id, name, type: 'custom' })),
  }
}

const filters: Record<string, (job: SimulatedJob) => boolean> = {
  queued: ({ status }) => status === 'queued',
  in_progress: ({ status }) => status === 'running',
  completed: ({ status }) => status === 'done',
  ...Object.fromEntries(
    ['waiting', 'pending', 'requested', 'action_required'].map((word) => [
      word,
      ({ status }: SimulatedJob) => status === 'blocked' || status === 'waiting',
    ]),
  ),
  ...Object.fromEntries(
    ['success', 'failure', 'cancelled', 'skipped'].map((word) => [
      word,
      ({ conclusion }: SimulatedJob) => conclusion === word,
    ]),
  ),
}

/** `status` may repeat; labels are no filter. Up to 1.25 with no headers; from 1.27 on in an order that may be asked for. */
function listJobs(c: Context, site: Site, all: readonly SimulatedJob[]): Response {
  const version = versionOf(site)
  const asked = c.req.queries('status') ?? []
  const unknown = asked.find((status) => !Object.hasOwn(filters, status))
  if (unknown !== undefined) return c.json({ message: `Invalid status value: ${unknown}`, url: '' }, 400)
  const listed = all.filter((job) => asked.length === 0 || asked.some((status) => filters[status]?.(job)))
  const { sort = 'id', order = 'asc' } = version === '1.27' ? c.req.query() : {}
  if (sort !== 'id') return c.json({ message: `Invalid sort mode: "${sort}"`, url: '' }, 422)
  if (order !== 'asc' && order !== 'desc') return c.json({ message: `Invalid sort order: "${order}"`, url: '' }, 422)
  const page = pageOf(c, order === 'desc' ? listed.toReversed() : listed, paging(site))
  const body = { jobs: page.items.map((job) => jobJson(site, job)), total_count: page.total }
  return c.json(body, 200, version === '1.25' ? {} : countHeaders(page))
}

function mountRuns(api: Hono, site: Site, base: string): void {
  const { forge } = site
  api.get(
    `${base}/actions/jobs/:id`,
    withOne(
      site,
      'repository',
      (scope, asked) => forge.jobs.inScope(scope).find(({ id }) => String(id) === asked),
      (c, job) => c.json(jobJson(site, job)),
    ),
  )
  api.get(
    `${base}/actions/runs/:run/jobs`,
    within(site, 'repository', (c, scope) => {
      const jobs = forge.jobs.inScope(scope).filter(({ runId }) => String(runId) === c.req.param('run'))
      return jobs.length > 0 ? listJobs(c, site, jobs) : notFound(c)
    }),
  )
  api.get(
    `${base}/actions/runs/:run`,
    within(site, 'repository', (c, scope) => {
      const job = forge.jobs.inScope(scope).find(({ runId }) => String(runId) === c.req.param('run'))
      return job ? c.json(runJson(site, forge.jobs.runOf(job))) : notFound(c)
    }),
  )
}

function statusWord({ status }: SimulatedJob): 'waiting' | 'queued' | 'in_progress' | 'completed' {
  switch (status) {
    // The names are the other way round in Gitea's own pages.
    case 'blocked':
    case 'waiting':
      return 'waiting'
    case 'queued':
      return 'queued'
    case 'running':
      return 'in_progress'
    case 'done':
      return 'completed'
  }
}

function jobJson(site: Site, job: SimulatedJob) {
  const run = site.forge.jobs.runOf(job)
  const home = `${run.repository.owner}/${run.repository.name}`
  const api = `${site.url}/api/v1/repos/${home}/actions`
  const page = versionOf(site) === '1.24' ? `runs/${run.id}/jobs/${job.id}` : `jobs/${job.id}`
  return {
    id: job.id,
    url: `${api}/${page}`,
    html_url: `${site.url}/${home}/actions/runs/${run.id}/jobs/${job.id}`,
    run_id: run.id,
    run_url: `${api}/runs/${run.id}`,
    name: job.name,
    labels: job.labels.length === 0 ? null : job.labels,
    run_attempt: job.attempt,
    head_sha: run.commit,
    head_branch: 'main',
    status: statusWord(job),
    ...(job.conclusion && { conclusion: job.conclusion }),
    ...(job.runner && { runner_id: job.runner.id, runner_name: job.runner.name }),
    steps: versionOf(site) < '1.26' ? null : [],
    created_at: goTime(job.createdAt),
    started_at: goTime(job.startedAt),
    completed_at: goTime(job.completedAt),
  }
}

function runJson(site: Site, run: Run) {
  const home = `${run.repository.owner}/${run.repository.name}`
  return {
    id: run.id,
    url: `${site.url}/api/v1/repos/${home}/actions/runs/${run.id}`,
    html_url: `${site.url}/${home}/actions/runs/${run.id}`,
    display_title: `Change ${run.workflow}`,
    path: `${run.workflow}@refs/heads/main`,
    event: run.event,
    run_attempt: run.attempt,
    run_number: run.id,
    head_sha: run.commit,
    head_branch: 'main',
    status: run.completedAt === null ? 'in_progress' : 'completed',
    actor: userJson(site, site.user),
    trigger_actor: userJson(site, site.user),
    repository: repositoryJson(site, run.repository),
    started_at: goTime(run.createdAt),
    completed_at: goTime(run.completedAt),
  }
}

/** Every step of every job is an event; its action is the job's status. */
function announce(site: Site, happening: Happening): void {
  const { forge } = site
  if (happening.kind === 'pushed') {
    const { run } = happening
    const payload = () => pushJson(site, run)
    forge.hooks.announce({ event: 'push', action: null, repository: run.repository, jobId: null, payload })
  }
  if (happening.kind === 'job') {
    const { job, run } = happening
    const payload = () => ({
      action: statusWord(job),
      workflow_job: jobJson(site, job),
      organization: organizationJson(site, run.repository),
      repository: repositoryJson(site, run.repository),
      sender: userJson(site, site.user),
    })
    const event = 'workflow_job'
    forge.hooks.announce({ event, action: statusWord(job), repository: run.repository, jobId: job.id, payload })
  }
}
