import { Hono } from 'hono'
import type { Happening } from '../state.ts'
import { type Asker, access, mountApp } from './github-access.ts'
import { mountDeliveries } from './github-deliveries.ts'
import { mountHooks } from './github-hooks.ts'
import { createGithubHost, type GithubHost } from './github-host.ts'
import { limits, tags } from './github-limits.ts'
import { mountLists } from './github-lists.ts'
import { jobJson, organizationJson, repositoryJson, senderJson, statusWord } from './github-payload.ts'
import { mountRunnerService, mountRunners, sweepIdle } from './github-runners.ts'
import { notFound } from './github-scope.ts'
import { mountSettings } from './github-settings.ts'
import type { Site } from './site.ts'

/** A simulated forge that speaks GitHub's REST API, below `/api/v3` as on every host but github.com. */
export function githubApp(site: Site): Hono {
  const { forge } = site
  if (forge.version.kind !== 'github') throw new Error('this forge is no GitHub')
  const { server } = forge.version
  const host = site.github ?? createGithubHost(forge.ground.clock, server !== undefined)
  const app = new Hono()
  mountRunnerService(app, site)
  const api = new Hono<Asker>()
  api.use('*', account(host), access(site, host), limits(host), tags, async (_, next) => {
    sweepIdle(forge, host)
    await next()
  })
  const meta = { verifiable_password_authentication: server !== undefined, installed_version: server }
  api.get('/meta', (c) => c.json(meta))
  api.get('/versions', (c) => c.json(['2022-11-28', '2026-03-10']))
  mountLists(api, site, host)
  mountRunners(api, site)
  mountHooks(api, site)
  mountDeliveries(api, site, host)
  mountSettings(api, site, host)
  mountApp(api, site, host)
  app.route('/api/v3', api)
  app.notFound(notFound)
  forge.watch((happening) => announce(site, happening))
  return app
}

/** Keeps what was asked, and how it was answered. */
function account({ answered }: GithubHost) {
  return async (c: { req: { method: string; path: string }; res: Response }, next: () => Promise<void>) => {
    await next()
    answered.push(`${c.req.method} ${c.req.path.replace(/^\/api\/v3/, '')} ${c.res.status}`)
  }
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
  // A job whose needs are not done does not exist yet.
  if (happening.kind === 'job' && happening.job.status !== 'blocked') {
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
