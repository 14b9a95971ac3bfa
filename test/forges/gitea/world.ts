import { HttpResponse, http } from 'msw'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { gitea } from '../../../src/forges/gitea/forge.ts'
import hookShape from '../../fixtures/gitea-1.27/hook.json' with { type: 'json' }
import jobShape from '../../fixtures/gitea-1.27/job.json' with { type: 'json' }
import registeredShape from '../../fixtures/gitea-1.27/registered.json' with { type: 'json' }
import runnerShape from '../../fixtures/gitea-1.27/runner.json' with { type: 'json' }
import tokenShape from '../../fixtures/gitea-1.27/token.json' with { type: 'json' }
import versionShape from '../../fixtures/gitea-1.27/version.json' with { type: 'json' }
import queued from '../../fixtures/gitea-1.27/workflow_job.queued.json' with { type: 'json' }
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
  type Site,
  scopesFor,
  surroundings,
  versionHandler,
} from '../own-server/world.ts'

export type GiteaVersion = '1.24' | '1.25' | '1.26' | '1.27'
export const giteaVersions: readonly GiteaVersion[] = ['1.24', '1.25', '1.26', '1.27']

export const base = 'https://gitea.example'
export const token = 'gitea-personal-access-token'
/** The shared token, with which runners register. */
export const sharedToken = 'gitea-registration-token'
const site: Site = { base, token }

/** A job as a list or an event has it. */
export type JobRow = Omit<typeof jobShape, 'labels' | 'steps'> & {
  labels: string[] | null
  steps: object[] | null
  runner_name?: string
}
export type RunnerRow = Omit<typeof runnerShape, 'disabled'> & { disabled?: boolean }

export interface GiteaWorld {
  version: GiteaVersion
  scope: Scope
  /** What the server gives at most in one page. */
  cap: number
  state: Partial<WorldState>
  /** In place of `state.jobs` and `state.runners`. */
  jobs: JobRow[]
  runners: RunnerRow[]
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

/** A Gitea of one version on the network, and the forge under test for it. */
export function open(over: Partial<GiteaWorld> = {}): Forge {
  const {
    version = '1.27',
    scope = repository,
    cap = 50,
    state = {},
    notes = [],
    scopes = scopesFor(scope, 'gitea'),
  } = over
  const { secrets = [], hooks = [], uncounted = 0 } = state
  const jobs = over.jobs ?? numbered(state.jobs, (id) => aJob({ id }))
  const runners = over.runners ?? numbered(state.runners, (id) => aRunner({ id, name: `runner-${id}` }))
  const shapes = shapesOf(version)
  const root = rootOf(scope)
  const admin = scope.level === 'instance'
  const guard = guarded(token)
  const one = (id: unknown) => runners.find((runner) => runner.id === Number(id))
  const shown = (runner: RunnerRow) => shownLike<RunnerRow>(shapes.runner, runner)
  const sorts = version === '1.27'

  network.use(
    ...hookHandlers({
      ...{ root, token, hooks, shape: shapes.hook, events: ['push', 'workflow_job'], uneditable: [], cap, admin },
      paged: !(admin && version === '1.24'),
      hidesHeader: sorts,
    }),
    versionHandler(site, shapes.version),
    http.get(`${base}/api/forgejo/v1/version`, missing),
    http.get(`${base}/api/v1/token`, ({ request }) =>
      guard(request, () => (shapes.token ? HttpResponse.json({ ...shapes.token, scopes }) : missing())),
    ),
    ...surroundings(site, {
      scope,
      scopes,
      refusal: (needed, scopes) =>
        `token does not have at least one of required scope(s), required=[${needed}], token scope=${scopes.join(',')}`,
      place: { private: true, has_actions: true, archived: false, ...over.place },
    }),
    http.get(`${root}/actions/jobs`, ({ request }) =>
      guard(request, () => {
        if (!shapes.job) return missing()
        const asked = new URL(request.url).searchParams
        if (sorts && asked.has('sort')) return invalid(`Invalid sort mode: "${asked.get('sort')}"`)
        const found = jobs.filter(({ status }) => asked.getAll('status').includes(status))
        // Before 1.27 there is no order: here the newest are first.
        const ordered = sorts ? found : found.toReversed()
        return HttpResponse.json({ jobs: paged(request, ordered, cap), total_count: found.length + uncounted })
      }),
    ),
    http.get(`${root}/actions/runners`, ({ request }) =>
      guard(request, () =>
        HttpResponse.json({
          runners: paged(request, runners, cap).map(shown),
          total_count: runners.length + uncounted,
        }),
      ),
    ),
    ...runnerHandlers({ root, token }, runners, shown),
    http.patch(`${root}/actions/runners/:id`, ({ request, params }) =>
      guard(request, async () => {
        const runner = one(params.id)
        if (!('disabled' in shapes.runner)) return new HttpResponse(null, { status: 405 })
        if (!runner) return missing()
        Object.assign(runner, await request.json())
        return HttpResponse.json(shown(runner))
      }),
    ),
    http.post(`${root}/actions/runners/registration-token`, ({ request }) =>
      guard(request, () => HttpResponse.json({ token: sharedToken })),
    ),
    ...runnerService(runners),
  )

  return forgeAt(site, gitea, { scope, secrets, notes })
}

/** What this version answers, each in its own shape. */
function shapesOf(version: GiteaVersion) {
  const folder = `gitea-${version}`
  return {
    version: fixture(folder, 'version', versionShape),
    runner: fixture(folder, 'runner', runnerShape) ?? {},
    hook: fixture(folder, 'hook', hookShape) ?? {},
    job: fixture(folder, 'job', jobShape),
    token: fixture(folder, 'token', tokenShape),
  }
}

const invalid = (message: string) => HttpResponse.json({ message }, { status: 422 })

/** The service that runners talk to (Connect over JSON): alike from 1.24 to 1.27. A refusal is a 500 with words. */
function runnerService(runners: RunnerRow[]) {
  return [
    http.get(`${base}/api/actions/runner.v1.RunnerService/Register`, () => new HttpResponse(null, { status: 405 })),
    http.post(`${base}/api/actions/runner.v1.RunnerService/Register`, async ({ request }) => {
      const { name, token, labels, version, ephemeral } = (await request.json()) as RegisterBody
      if (!name || !token) return connectError('missing runner token, name')
      if (token !== sharedToken) return connectError('runner registration token not found')
      const id = Math.max(3, ...runners.map(({ id }) => id)) + 1
      const rows = labels.map((name) => ({ id: 0, name, type: 'custom' }))
      runners.push(aRunner({ id, name, ephemeral: ephemeral === true, status: 'offline', labels: rows }))
      const told = { ...registeredShape.runner, id: String(id), name, labels, version }
      return HttpResponse.json({ runner: ephemeral ? told : { ...told, ephemeral: undefined } })
    }),
  ]
}

interface RegisterBody {
  name?: string
  token?: string
  labels: string[]
  version: string
  ephemeral?: boolean
}

const connectError = (message: string) => HttpResponse.json({ code: 'unknown', message }, { status: 500 })

/** The world that the contract runs in. */
export function contractWorld(version: GiteaVersion, cap = 50): ForgeWorld {
  return {
    base,
    token,
    counts: { jobs: true, runners: true },
    open: (state) => open({ version, cap, state }),
    queued: (fullName) => ({ headers: giteaHeaders('workflow_job'), payload: delivery({ repository: fullName }) }),
  }
}

/** The headers of a delivery, signatures left out. */
export const giteaHeaders = (event: string) => headersOf(['gitea', 'gogs', 'github'], event)

/** The body of a `workflow_job` delivery. */
export function delivery(over: { action?: string; job?: Partial<JobRow>; repository?: string } = {}) {
  const { action = 'queued', job = {}, repository = 'acme/widgets' } = over
  return {
    ...queued,
    action,
    workflow_job: { ...queued.workflow_job, status: action, ...job },
    repository: { ...queued.repository, full_name: repository },
  }
}
