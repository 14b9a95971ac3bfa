import { type Context, Hono } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { Happening, SimulatedJob, SimulatedRunner } from '../state.ts'
import { objectOf, text } from './body.ts'
import { countHeaders, goTime, notFound, paging, places, tokenAuth, within } from './gitea-family.ts'
import { mountHooks } from './gitea-family-hooks.ts'
import { pushJson, repositoryJson, userJson } from './gitea-family-payload.ts'
import { pageOf } from './paging.ts'
import { mountRunnerService } from './runner-rpc.ts'
import type { Site } from './site.ts'

const releases = {
  11: '11.0.15',
  12: '12.0.4',
  13: '13.0.4',
  14: '14.0.3',
  15: '15.0.3',
  16: '16.0.1',
  17: '17.0.0-dev',
} as const

/** A simulated forge that speaks Forgejo's API, as written down for versions 11 to 17. */
export function forgejoApp(site: Site): Hono {
  const { forge } = site
  if (forge.version.kind !== 'forgejo') throw new Error('this forge is no Forgejo')
  const { version } = forge.version
  const told = `${releases[version]}+gitea-1.22.0`
  const app = new Hono()
  mountRunnerService(app, site)
  app.get('/api/forgejo/v1/version', (c) => c.json({ version: told }))

  const api = new Hono()
  app.use('/api/v1/*', tokenAuth(site))
  api.get('/version', (c) => c.json({ version: told }))
  api.get('/repositories/:id', (c) => {
    const repository = forge.ground.repositories.get(Number(c.req.param('id')))
    return repository ? c.json(repositoryJson(site, repository)) : notFound(c)
  })
  for (const { base, level } of places) {
    const old = level === 'instance' ? [`${base}/runners`] : [`${base}/actions/runners`]
    for (const path of level === 'instance' && version >= 15 ? [...old, `${base}/actions/runners`] : old) {
      api.get(
        `${path}/jobs`,
        within(site, level, (c, scope) => listJobs(c, scope)),
      )
      api.get(
        `${path}/registration-token`,
        within(site, level, (c, scope) => c.json({ token: forge.runners.registrationToken(scope) })),
      )
    }
    if (version >= 15) mountRunners(api, site, base, level)
  }
  mountHooks(api, site)
  // Only now: Hono takes over the routes that are there at this moment.
  app.route('/api/v1', api)
  app.notFound(notFound)
  forge.watch((happening) => announce(site, happening))
  return app

  /** Waiting and running jobs that a runner with exactly these labels could run; a bare array, or `null` for none. */
  function listJobs(c: Context, scope: Scope): Response {
    const asked = c.req.query('labels')
    // Up to 13, no labels fit nothing; from 14 on, no labels is no filter.
    const filter = asked ? asked.split(',') : version >= 14 ? null : []
    const listed = forge.jobs
      .inScope(scope)
      .filter(({ status }) => status === 'queued' || status === 'running')
      .filter(({ labels }) => filter === null || (labels.length > 0 && labels.every((label) => filter.includes(label))))
    return c.json(listed.length === 0 ? null : listed.map((job) => jobJson(site, job)))
  }
}

function mountRunners(api: Hono, site: Site, base: string, level: Scope['level']): void {
  const { runners } = site.forge
  const path = `${base}/actions/runners`
  const find = (c: Context, scope: Scope) =>
    runners.of(scope, 'usable').find(({ id }) => String(id) === c.req.param('id')) ?? null

  api.get(
    path,
    within(site, level, (c, scope) => {
      const page = pageOf(c, runners.of(scope, c.req.query('visible') === 'true' ? 'usable' : 'own'), paging(site))
      return c.json(
        page.items.map((runner) => runnerJson(site, runner)),
        200,
        countHeaders(page),
      )
    }),
  )
  api.post(
    path,
    within(site, level, async (c, scope) => {
      const body = await objectOf(c)
      if (!text(body.name)) return c.json({ message: '[Name]: Required', url: '' }, 422)
      const [name, description] = [text(body.name), text(body.description)]
      const runner = runners.register({ scope, name, labels: [], ephemeral: body.ephemeral === true, description })
      return c.json({ id: runner.id, uuid: runner.uuid, token: runner.token }, 201)
    }),
  )
  api.get(
    `${path}/:id`,
    within(site, level, (c, scope) => {
      const runner = find(c, scope)
      return runner ? c.json(runnerJson(site, runner)) : notFound(c)
    }),
  )
  api.delete(
    `${path}/:id`,
    within(site, level, (c, scope) => {
      const runner = runners.of(scope).find(({ id }) => String(id) === c.req.param('id'))
      if (!runner) return notFound(c)
      runners.remove(runner)
      return c.body(null, 204)
    }),
  )
}

function runnerJson({ forge }: Site, runner: SimulatedRunner) {
  const { level, owner, name } = runner.scope
  const home = level === 'repository' ? forge.repository(owner ?? '', name ?? '') : null
  const owned = [...forge.ground.repositories.values()].find((repository) => repository.owner === owner)
  return {
    id: runner.id,
    uuid: runner.uuid,
    owner_id: home || level === 'instance' ? 0 : (owned?.ownerId ?? 0),
    repo_id: home?.id ?? 0,
    name: runner.name,
    status: !forge.runners.isOnline(runner) ? 'offline' : forge.runners.isReporting(runner) ? 'active' : 'idle',
    version: runner.version,
    // One that never connected has declared none: Go's nil slice.
    labels: runner.labels.length === 0 ? null : runner.labels,
    description: runner.description,
    ephemeral: runner.ephemeral,
  }
}

function wordFor({ status, conclusion }: SimulatedJob): string {
  switch (status) {
    case 'blocked':
    case 'waiting':
      return 'blocked'
    case 'queued':
      return 'waiting'
    case 'running':
      return 'running'
    case 'done':
      return conclusion ?? 'failure'
  }
}

function jobJson({ forge }: Site, job: SimulatedJob) {
  const { repository } = forge.jobs.runOf(job)
  const version = forge.version.kind === 'forgejo' ? forge.version.version : 0
  return {
    id: job.id,
    repo_id: repository.id,
    owner_id: repository.ownerId,
    name: job.name,
    needs: job.needs.length === 0 ? null : job.needs,
    runs_on: job.labels.length === 0 ? null : job.labels,
    task_id: job.taskId,
    status: wordFor(job),
    ...(version >= 15 && { attempt: job.attempt, handle: job.handle }),
    ...(version >= 16 && { run_id: job.runId }),
  }
}

/** Pushes, ended runs, and per-status job events where the option says so. No Forgejo tells when a job is queued. */
function announce(site: Site, happening: Happening): void {
  const { forge } = site
  switch (happening.kind) {
    case 'pushed': {
      const { run } = happening
      const payload = () => pushJson(site, run)
      forge.hooks.announce({ event: 'push', action: null, repository: run.repository, jobId: null, payload })
      return
    }
    case 'job': {
      const { job, run } = happening
      const status = wordFor(job)
      const payload = () => ({
        action: status,
        job: { ...jobJson(site, job), run_id: run.id },
        run: runJson(site, happening),
        repository: repositoryJson(site, run.repository),
      })
      const event = `workflow_job_${status}`
      forge.hooks.announce({ event, action: status, repository: run.repository, jobId: job.id, payload })
      return
    }
    case 'run_done': {
      const { run, conclusion, recovered } = happening
      for (const action of recovered ? [conclusion, 'recover'] : [conclusion]) {
        const payload = () => ({ action, run: runJson(site, happening), prior_status: 'running' })
        forge.hooks.announce({
          event: `action_run_${action}`,
          action,
          repository: run.repository,
          jobId: null,
          payload,
        })
      }
      return
    }
    case 'runner':
    case 'hook_made':
      return
  }
}

function runJson(site: Site, happening: Extract<Happening, { kind: 'job' | 'run_done' }>) {
  const { run } = happening
  return {
    id: run.id,
    title: `Change ${run.workflow}`,
    repository: repositoryJson(site, run.repository),
    workflow_id: run.workflow,
    index_in_repo: run.id,
    trigger_user: userJson(site, site.user),
    ScheduleID: 0,
    prettyref: 'main',
    is_ref_deleted: false,
    commit_sha: run.commit,
    is_fork_pull_request: false,
    need_approval: false,
    approved_by: 0,
    event: run.event,
    event_payload: '',
    trigger_event: run.event,
    status: happening.kind === 'run_done' ? happening.conclusion : 'running',
    started: goTime(run.createdAt),
    stopped: goTime(run.completedAt),
    created: goTime(run.createdAt),
    updated: goTime(run.completedAt ?? run.createdAt),
    html_url: `${site.url}/${run.repository.owner}/${run.repository.name}/actions/runs/${run.id}`,
  }
}
