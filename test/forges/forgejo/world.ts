import { HttpResponse, http } from 'msw'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { forgejo } from '../../../src/forges/forgejo/forge.ts'
import { hookEvents } from '../../../src/forges/forgejo/webhook.ts'
import hookShape from '../../fixtures/forgejo-17/hook.json' with { type: 'json' }
import jobShape from '../../fixtures/forgejo-17/job.json' with { type: 'json' }
import registeredShape from '../../fixtures/forgejo-17/registered.json' with { type: 'json' }
import runnerShape from '../../fixtures/forgejo-17/runner.json' with { type: 'json' }
import versionShape from '../../fixtures/forgejo-17/version.json' with { type: 'json' }
import waiting from '../../fixtures/forgejo-17/workflow_job_waiting.json' with { type: 'json' }
import { network } from '../../support/network.ts'
import type { ForgeWorld, WorldState } from '../contract.ts'
import { fixture, shownLike } from '../fixture.ts'
import { guarded, hookHandlers, paged } from '../own-server/hooks-world.ts'
import {
  addressOf,
  forgeAt,
  headersOf,
  missing,
  numbered,
  repository,
  runnerHandlers,
  scopesFor,
  surroundings,
  versionHandler,
} from '../own-server/world.ts'

export type ForgejoVersion = 11 | 12 | 13 | 14 | 15 | 16 | 17
export const forgejoVersions: readonly ForgejoVersion[] = [11, 12, 13, 14, 15, 16, 17]

export const base = 'https://forgejo.example/git'
export const token = 'forgejo-personal-access-token'
const site = { base, token }

export type JobRow = Omit<typeof jobShape, 'runs_on'> & { runs_on: string[] | null }
export type RunnerRow = Omit<typeof runnerShape, 'labels'> & { labels: string[] | null }

export interface ForgejoWorld {
  version: ForgejoVersion
  /** The version knows `workflow_job_*`: none that we have seen the source of does. */
  jobEvents: boolean
  scope: Scope
  cap: number
  state: Partial<WorldState>
  /** In place of `state.jobs` and `state.runners`. */
  jobs: JobRow[]
  runners: RunnerRow[]
  /** Names of repositories by id, and the ids that were asked for, in order. */
  repositories: Record<string, string>
  asked: string[]
  notes: string[]
  /** What the token may do. */
  scopes: readonly string[]
  /** What the repository, the organization or the user is like. */
  place: object
}

export function aJob(over: Partial<JobRow> = {}): JobRow {
  return { ...jobShape, ...over }
}

export function aRunner(over: Partial<RunnerRow> = {}): RunnerRow {
  return { ...runnerShape, ...over }
}

/** The address of a scope. */
export const rootOf = (scope: Scope) => addressOf(site, scope)

/** A Forgejo of one version on the network, and the forge under test for it. */
export function open(over: Partial<ForgejoWorld> = {}): Forge {
  const { version = 15, scope = repository, cap = 50, state = {}, notes = [], repositories = {}, asked = [] } = over
  const { scopes = scopesFor(scope, 'forgejo') } = over
  const shapes = shapesOf(version)
  const { secrets = [], hooks = [], uncounted = 0 } = state
  const jobs = over.jobs ?? numbered(state.jobs, (id) => aJob({ id }))
  const runners = over.runners ?? numbered(state.runners, (id) => aRunner({ id, name: `runner-${id}` }))
  const root = rootOf(scope)
  const admin = scope.level === 'instance'
  const guard = guarded(token)
  const since15 = (request: Request, answer: () => Response | Promise<Response>) =>
    guard(request, () => (shapes.runner ? answer() : missing()))

  function listed(request: Request): Response {
    const wanted = new URL(request.url).searchParams.get('labels')
    if (!wanted && version < 14) return HttpResponse.json(null)
    const labels = new Set(wanted?.split(','))
    const found = jobs.filter(
      ({ status, runs_on }) =>
        ['waiting', 'running'].includes(status) && (!wanted || (runs_on ?? []).every((label) => labels.has(label))),
    )
    // The newest first, and Go's nil slice.
    const newestFirst = found.toSorted((a, b) => b.id - a.id)
    return HttpResponse.json(found.length === 0 ? null : newestFirst.map((job) => shownLike<JobRow>(shapes.job, job)))
  }

  function known(event: string): boolean {
    if (event.startsWith('workflow_job')) return over.jobEvents === true
    return version >= 12 || !event.startsWith('action_run')
  }

  const uneditable = hookEvents.filter((event) => event.startsWith('action_run'))
  network.use(
    ...hookHandlers({
      ...{ root, token, hooks, shape: shapes.hook, events: hookEvents.filter(known), uneditable, cap, admin },
    }),
    versionHandler(site, shapes.version),
    http.get(`${base}/api/forgejo/v1/version`, () => HttpResponse.json({ version: '1.0.0' })),
    http.get(`${base}/api/v1/token`, missing),
    ...surroundings(site, {
      scope,
      scopes,
      refusal: (needed) => `token does not have at least one of required scope(s): [${needed}]`,
      place: { private: true, has_actions: true, archived: false, ...over.place },
    }),
    http.get(`${base}/api/v1/repositories/:id`, ({ request, params }) =>
      guard(request, () => {
        const name = repositories[String(params.id)]
        asked.push(String(params.id))
        return name ? HttpResponse.json({ id: Number(params.id), full_name: name }) : missing()
      }),
    ),
    http.get(`${root}/actions/runners/jobs`, ({ request }) =>
      guard(request, () => (admin && version < 15 ? missing() : listed(request))),
    ),
    http.get(`${root}/actions/runners/registration-token`, ({ request }) =>
      guard(request, () =>
        admin && version < 15 ? missing() : HttpResponse.json({ token: 'forgejo-registration-token' }),
      ),
    ),
    http.get(`${root}/actions/runners`, ({ request }) =>
      since15(request, () =>
        HttpResponse.json(paged(request, runners, cap), {
          headers: { 'x-total-count': String(runners.length + uncounted) },
        }),
      ),
    ),
    http.post(`${root}/actions/runners`, ({ request }) =>
      since15(request, async () => {
        const { name, ephemeral = false } = (await request.json()) as { name: string; ephemeral?: boolean }
        const id = Math.max(3, ...runners.map(({ id }) => id)) + 1
        // It has no labels before it connects.
        runners.push(aRunner({ id, uuid: registeredShape.uuid, name, ephemeral, status: 'offline', labels: null }))
        return HttpResponse.json({ ...registeredShape, id }, { status: 201 })
      }),
    ),
    ...runnerHandlers({ root, token }, runners, shapes.runner && ((runner) => runner)),
  )
  if (admin) {
    network.use(
      http.get(`${root}/runners/jobs`, ({ request }) => guard(request, () => listed(request))),
      http.get(`${root}/runners/registration-token`, ({ request }) =>
        guard(request, () => HttpResponse.json({ token: 'forgejo-registration-token' })),
      ),
    )
  }

  return forgeAt(site, forgejo, { scope, secrets, notes })
}

/** What this version answers, each in its own shape. */
function shapesOf(version: ForgejoVersion) {
  const folder = `forgejo-${version}`
  return {
    version: fixture(folder, 'version', versionShape),
    runner: fixture(folder, 'runner', runnerShape),
    hook: fixture(folder, 'hook', hookShape) ?? {},
    job: fixture(folder, 'job', jobShape) ?? {},
  }
}

/** The world that the contract runs in. */
export function contractWorld(world: Partial<ForgejoWorld>): ForgeWorld {
  return {
    base,
    token,
    counts: { jobs: false, runners: true },
    open: (state) => open({ ...world, state }),
    queued: (fullName) => ({
      headers: forgejoHeaders('workflow_job_waiting'),
      payload: jobEvent({ repository: fullName }),
    }),
  }
}

/** The headers of a delivery, signatures left out. */
export const forgejoHeaders = (event: string) => headersOf(['forgejo', 'gitea', 'gogs', 'github'], event)

/** The body of a `workflow_job_*` delivery. */
export function jobEvent(over: { job?: Partial<JobRow>; repository?: string } = {}) {
  const { job = {}, repository = 'acme/widgets' } = over
  return { ...waiting, job: { ...waiting.job, ...job }, repository: { ...waiting.repository, full_name: repository } }
}
