import type { Context, Hono } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { SimulatedForge } from '../forge.ts'
import type { SimulatedRunner } from '../state.ts'
import { objectOf, text, texts } from './body.ts'
import type { Asker } from './github-access.ts'
import type { GithubHost } from './github-host.ts'
import { time } from './github-payload.ts'
import { linkHeader, paging, places, within, withOne } from './github-scope.ts'
import { pageOf } from './paging.ts'
import type { Site } from './site.ts'

const hour = 3_600_000

/** Self-hosted runners and the credentials that make them. */
export function mountRunners(api: Hono<Asker>, site: Site): void {
  const { runners, ground } = site.forge
  for (const { base, level } of places) {
    const path = `${base}/actions/runners`
    const runnerAt = (answer: (c: Context, runner: SimulatedRunner) => Response) =>
      withOne(site, level, (scope, asked) => runners.of(scope).find(({ id }) => String(id) === asked), answer)

    api.get(
      path,
      within(site, level, (c, scope) => {
        const name = c.req.query('name')
        const page = pageOf(
          c,
          runners.of(scope).filter((one) => !name || one.name === name),
          paging,
        )
        const body = { total_count: page.total, runners: page.items.map((runner) => runnerJson(site, runner)) }
        return c.json(body, 200, linkHeader(page))
      }),
    )
    for (const kind of ['registration-token', 'remove-token']) {
      api.post(
        `${path}/${kind}`,
        within(site, level, (c, scope) => {
          const token = kind === 'remove-token' ? ground.token() : runners.registrationToken(scope)
          return c.json({ token, expires_at: time(ground.clock.now() + hour) }, 201)
        }),
      )
    }
    api.post(
      `${path}/generate-jitconfig`,
      within(site, level, (c, scope) => generateJitConfig(c, site, scope)),
    )
    api.get(
      `${path}/:id`,
      runnerAt((c, runner) => c.json(runnerJson(site, runner))),
    )
    api.delete(
      `${path}/:id`,
      runnerAt((c, runner) => {
        if (runners.remove(runner, { evenBusy: false }) === 'removed') return c.body(null, 204)
        const message = `Runner "${runner.name}" is currently running a job and cannot be deleted.`
        return c.json({ message, documentation_url: '', status: '422' }, 422)
      }),
    )
  }
}

async function generateJitConfig(c: Context, site: Site, scope: Scope): Promise<Response> {
  const { runners } = site.forge
  const body = await objectOf(c)
  const labels = texts(body.labels)
  const name = text(body.name)
  if (!name || !Number.isInteger(body.runner_group_id) || !labels || labels.length < 1 || labels.length > 100) {
    const message = 'Invalid request: name, runner_group_id and 1 to 100 labels are required.'
    return c.json({ message, documentation_url: '', status: '422' }, 422)
  }
  if (runners.of(scope).some((runner) => runner.name === name)) {
    const message = `Already exists - A runner with the name ${name} already exists.`
    return c.json({ message, documentation_url: '', status: '409' }, 409)
  }
  // The runner gets exactly these labels: `self-hosted` is not added.
  const runner = runners.register({ scope, name, labels, ephemeral: true })
  return c.json({ runner: runnerJson(site, runner), encoded_jit_config: jitConfig(site, runner) }, 201)
}

/** Base64 of JSON whose values are the files of a configured runner, base64 again. */
function jitConfig(site: Site, runner: SimulatedRunner): string {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  return encoded({
    '.runner': encoded({
      AgentId: String(runner.id),
      AgentName: runner.name,
      PoolId: '1',
      PoolName: 'Default',
      Ephemeral: 'True',
      ServerUrl: site.url,
      WorkFolder: '_work',
    }),
    '.credentials': encoded({ Scheme: 'OAuth', Data: { ClientId: runner.uuid, Token: runner.token } }),
    '.credentials_rsaparams': encoded({}),
  })
}

function runnerJson({ forge }: Site, runner: SimulatedRunner) {
  return {
    id: runner.id,
    name: runner.name,
    os: runner.contactAt === null ? 'unknown' : 'linux',
    status: forge.runners.isOnline(runner) ? 'online' : 'offline',
    busy: runner.jobId !== null,
    ephemeral: runner.ephemeral,
    runner_group_id: 1,
    labels: runner.labels.map((name, index) => ({ id: index + 1, name, type: 'custom' })),
  }
}

/** GitHub removes runners that connected and got no job for a while; what never connected goes after a day (`runners.sweep`). */
export function sweepIdle({ runners, ground }: SimulatedForge, { idleRemoval, now }: GithubHost): void {
  if (idleRemoval === null) return
  for (const runner of ground.runners.values()) {
    const waits = runner.ephemeral && runner.goneAt === null && runner.contactAt !== null && runner.taken === 0
    if (waits && now() - runner.registeredAt > idleRemoval) runners.remove(runner)
  }
}

/**
 * What the stand-in runner talks to: the real protocol between GitHub and its runner is GitHub's own affair.
 * `POST /_runner/fetch` gives `{job: {id, task, seconds, fails}}` or `{job: null}`; `POST /_runner/report` takes `{task, result}`.
 */
export function mountRunnerService(app: Hono, site: Site): void {
  const { runners } = site.forge
  const authenticated =
    (answer: (c: Context, runner: SimulatedRunner) => Response | Promise<Response>) => (c: Context) => {
      const [, uuid = '', token = ''] = /^Bearer ([^.]+)\.(.+)$/.exec(c.req.header('authorization') ?? '') ?? []
      const runner = runners.authenticate(uuid, token)
      if (!runner) return c.json({ message: 'The runner no longer exists on the server.' }, 401)
      runners.contact(runner, { version: '2.330.0' })
      return answer(c, runner)
    }
  app.post(
    '/_runner/fetch',
    authenticated((c, runner) => {
      const job = runners.fetch(runner)
      if (!job) return c.json({ job: null })
      const { id, taskId: task, duration, willEnd } = job
      return c.json({ job: { id, task, seconds: duration / 1_000, fails: willEnd === 'failure' } })
    }),
  )
  app.post(
    '/_runner/report',
    authenticated(async (c, runner) => {
      const { task, result } = await objectOf(c)
      const report = result === 'success' || result === 'failure' || result === 'cancelled' ? result : 'working'
      return c.json({ result: runners.report(runner, Number(task), report) })
    }),
  )
}
