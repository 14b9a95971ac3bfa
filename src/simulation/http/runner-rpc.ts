import type { Context, Hono } from 'hono'
import type { Report } from '../runners.ts'
import type { SimulatedJob, SimulatedRunner } from '../state.ts'
import { objectOf, record, text, texts } from './body.ts'
import type { Site } from './site.ts'

/** How a Connect handler answers an error over JSON. */
const refusals = { unauthenticated: 401, unknown: 500, invalid_argument: 400 } as const

const results: Record<string, Report> = {
  RESULT_SUCCESS: 'success',
  RESULT_FAILURE: 'failure',
  RESULT_CANCELLED: 'cancelled',
}

/** The side that real Forgejo and Gitea runners talk to: Connect calls in JSON, 64-bit numbers as strings. */
export function mountRunnerService(app: Hono, site: Site): void {
  const { forge } = site
  const base = '/api/actions/runner.v1.RunnerService'
  // A runner that knows the newest version of the queue is not looked at again: so a fresh one asks with 0.
  let tasksVersion = 1
  forge.watch((happening) => {
    const moves = happening.kind === 'run_done' || (happening.kind === 'job' && happening.job.status === 'queued')
    if (moves) tasksVersion++
  })

  const authenticated =
    (answer: (c: Context, runner: SimulatedRunner, body: Record<string, unknown>) => Response) =>
    async (c: Context): Promise<Response> => {
      const runner = forge.runners.authenticate(
        c.req.header('x-runner-uuid') ?? '',
        c.req.header('x-runner-token') ?? '',
      )
      if (!runner) return refuse(c, 'unauthenticated', 'unregistered runner')
      const body = await objectOf(c)
      forge.runners.contact(runner)
      return answer(c, runner, body)
    }

  // The service knows POST alone (Connect without idempotent calls): asked with GET, it shows that it is there.
  app.get(`${base}/Register`, (c) => c.body(null, 405, { allow: 'POST' }))

  app.post(`${base}/Register`, async (c) => {
    const body = await objectOf(c)
    const scope = forge.runners.scopeOfToken(text(body.token))
    if (!scope) return refuse(c, 'unknown', 'runner registration token not found')
    if (!text(body.name)) return refuse(c, 'invalid_argument', 'missing runner name')
    const runner = forge.runners.register({
      scope,
      name: text(body.name),
      labels: texts(body.labels) ?? texts(body.agentLabels) ?? [],
      ephemeral: body.ephemeral === true,
    })
    return c.json({ runner: { ...runnerJson(runner), token: runner.token } })
  })

  app.post(
    `${base}/Declare`,
    authenticated((c, runner, body) => {
      forge.runners.contact(runner, { labels: texts(body.labels) ?? [], version: text(body.version) })
      return c.json({ runner: runnerJson(runner) })
    }),
  )

  const fetchTask = authenticated((c, runner, body) => {
    const upToDate = text(body.tasksVersion) === String(tasksVersion)
    const handle = text(body.handle) || undefined
    const job = upToDate && handle === undefined ? null : forge.runners.fetch(runner, handle)
    return c.json({ ...(job && { task: taskJson(site, job) }), tasksVersion: String(tasksVersion) })
  })
  app.post(`${base}/FetchTask`, fetchTask)
  // The call of `one-job --handle` (Forgejo 15): with a handle it yields that attempt or nothing.
  if (forge.ground.traits.handles) app.post(`${base}/FetchSingleTask`, fetchTask)

  app.post(
    `${base}/UpdateTask`,
    authenticated((c, runner, body) => {
      const state = record(body.state)
      const seen = forge.runners.report(runner, Number(state.id), results[text(state.result)] ?? 'working')
      const result = seen === 'working' ? 'RESULT_UNSPECIFIED' : `RESULT_${seen.toUpperCase()}`
      return c.json({ state: { id: text(state.id), result }, sentOutputs: [] })
    }),
  )

  app.post(
    `${base}/UpdateLog`,
    authenticated((c, _runner, body) => {
      const rows = Array.isArray(body.rows) ? body.rows.length : 0
      return c.json({ ackIndex: String(Number(body.index ?? 0) + rows) })
    }),
  )
}

function refuse(c: Context, code: keyof typeof refusals, message: string): Response {
  return c.json({ code, message }, refusals[code])
}

/** Protobuf's JSON leaves out what is empty or false. */
function runnerJson({ id, uuid, name, version, labels, ephemeral }: SimulatedRunner) {
  return {
    id: String(id),
    uuid,
    name,
    ...(version !== '' && { version }),
    ...(labels.length > 0 && { labels }),
    ...(ephemeral && { ephemeral }),
  }
}

/** A task carries the workflow itself; the one step sleeps as long as the job is to last. */
function taskJson({ forge, url }: Site, job: SimulatedJob) {
  const { repository, commit } = forge.jobs.runOf(job)
  const workflow = {
    on: 'push',
    jobs: {
      [job.name]: {
        'runs-on': job.labels,
        steps: [{ run: `sleep ${job.duration / 1_000}${job.willEnd === 'failure' ? ' && exit 1' : ''}` }],
      },
    },
  }
  return {
    id: String(job.taskId),
    // JSON is YAML.
    workflowPayload: Buffer.from(JSON.stringify(workflow)).toString('base64'),
    context: { server_url: url, repository: `${repository.owner}/${repository.name}`, sha: commit, job: job.name },
    secrets: {},
    needs: {},
    vars: {},
  }
}
