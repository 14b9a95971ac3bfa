import { HttpResponse, http } from 'msw'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { gitea } from '../../../src/forges/gitea/forge.ts'
import hookShape from '../../fixtures/gitea/hook.json' with { type: 'json' }
import runnerShape from '../../fixtures/gitea/runner.json' with { type: 'json' }
import queued from '../../fixtures/gitea/workflow_job.queued.json' with { type: 'json' }
import { network } from '../../support/network.ts'
import type { ForgeWorld, WorldState } from '../contract.ts'
import { guarded, hookHandlers, paged } from '../hooks-world.ts'
import {
  addressOf,
  forgeAt,
  headersOf,
  missing,
  numbered,
  repository,
  runnerHandlers,
  versionHandler,
} from '../own-server-world.ts'

export type GiteaVersion = '1.24' | '1.25' | '1.26' | '1.27'
export const giteaVersions: readonly GiteaVersion[] = ['1.24', '1.25', '1.26', '1.27']

export const base = 'https://gitea.example'
export const token = 'gitea-personal-access-token'
const site = { base, token }

/** A job as a list or an event has it. */
export type JobRow = Omit<typeof queued.workflow_job, 'labels'> & { labels: string[] | null; runner_name?: string }
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
}

export function aJob(over: Partial<JobRow> = {}): JobRow {
  return { ...queued.workflow_job, ...over }
}

export function aRunner(over: Partial<RunnerRow> = {}): RunnerRow {
  return { ...runnerShape, ...over }
}

/** The address of a scope. */
export const rootOf = (scope: Scope) => addressOf(site, scope)

/** A Gitea of one version on the network, and the forge under test for it. */
export function open(over: Partial<GiteaWorld> = {}): Forge {
  const { version = '1.27', scope = repository, cap = 50, state = {}, notes = [] } = over
  const { secrets = [], hooks = [], uncounted = 0 } = state
  const jobs = over.jobs ?? numbered(state.jobs, (id) => aJob({ id }))
  const runners = over.runners ?? numbered(state.runners, (id) => aRunner({ id, name: `runner-${id}` }))
  const minor = Number(version.split('.')[1])
  const root = rootOf(scope)
  const guard = guarded(token)
  const one = (id: unknown) => runners.find((runner) => runner.id === Number(id))
  const shown = ({ disabled, ...runner }: RunnerRow) => (minor < 26 ? runner : { ...runner, disabled })

  network.use(
    ...hookHandlers({ root, token, hooks, shape: hookShape, events: ['push', 'workflow_job'], uneditable: [], cap }),
    versionHandler(site, `${version}.1`),
    http.get(`${root}/actions/jobs`, ({ request }) =>
      guard(request, () => {
        if (minor < 25) return missing()
        const asked = new URL(request.url).searchParams.getAll('status')
        const found = jobs.filter(({ status }) => asked.includes(status))
        return HttpResponse.json({ jobs: paged(request, found, cap), total_count: found.length + uncounted })
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
        if (minor < 26) return new HttpResponse(null, { status: 405 })
        if (!runner) return missing()
        Object.assign(runner, await request.json())
        return HttpResponse.json(shown(runner))
      }),
    ),
    http.post(`${root}/actions/runners/registration-token`, ({ request }) =>
      guard(request, () => HttpResponse.json({ token: 'gitea-registration-token' })),
    ),
  )

  return forgeAt(site, gitea, { scope, secrets, notes })
}

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
