import { HttpResponse, http } from 'msw'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { forgejo } from '../../../src/forges/forgejo/forge.ts'
import { hookEvents } from '../../../src/forges/forgejo/webhook.ts'
import hookShape from '../../fixtures/forgejo/hook.json' with { type: 'json' }
import jobShape from '../../fixtures/forgejo/job.json' with { type: 'json' }
import runnerShape from '../../fixtures/forgejo/runner.json' with { type: 'json' }
import waiting from '../../fixtures/forgejo/workflow_job_waiting.json' with { type: 'json' }
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

export type ForgejoVersion = 11 | 12 | 13 | 14 | 15 | 17
export const forgejoVersions: readonly ForgejoVersion[] = [11, 12, 13, 14, 15, 17]

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
  const { secrets = [], hooks = [], uncounted = 0 } = state
  const jobs = over.jobs ?? numbered(state.jobs, (id) => aJob({ id }))
  const runners = over.runners ?? numbered(state.runners, (id) => aRunner({ id, name: `runner-${id}` }))
  const root = rootOf(scope)
  const admin = scope.level === 'instance'
  const guard = guarded(token)
  const since15 = (request: Request, answer: () => Response | Promise<Response>) =>
    guard(request, () => (version < 15 ? missing() : answer()))

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
    return HttpResponse.json(found.length === 0 ? null : newestFirst.map(shownJob))
  }

  function shownJob({ attempt, handle, run_id, ...job }: JobRow): object {
    return { ...job, ...(version < 15 ? {} : { attempt, handle }), ...(version < 16 ? {} : { run_id }) }
  }

  function known(event: string): boolean {
    if (event.startsWith('workflow_job')) return over.jobEvents === true
    return version >= 12 || !event.startsWith('action_run')
  }

  const uneditable = hookEvents.filter((event) => event.startsWith('action_run'))
  network.use(
    ...hookHandlers({ root, token, hooks, shape: hookShape, events: hookEvents.filter(known), uneditable, cap }),
    versionHandler(site, `${version}.0.3+gitea-1.22.0`),
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
        const id = Math.max(0, ...runners.map(({ id }) => id)) + 1
        const uuid = `5a2f1f0c-53a9-4d8e-9f0e-${String(id).padStart(12, '0')}`
        // It has no labels before it connects.
        runners.push(aRunner({ id, uuid, name, ephemeral, status: 'offline', labels: null }))
        return HttpResponse.json({ id, uuid, token: 'the token of one runner' }, { status: 201 })
      }),
    ),
    ...runnerHandlers({ root, token }, runners, version < 15 ? null : (runner) => runner),
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
