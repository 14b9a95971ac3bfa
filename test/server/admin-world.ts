import type { Clock } from '../../src/clock.ts'
import type { DispatcherApiConfig, InstanceConfig, Role } from '../../src/config/config.ts'
import type { Reloaded } from '../../src/config/reloaded.ts'
import type { Backoff } from '../../src/core/backoff.ts'
import { type Event, eventAbout } from '../../src/core/event.ts'
import type { Job } from '../../src/core/job.ts'
import { shownVerdict } from '../../src/core/kept-verdicts.ts'
import type { RunnerRequest } from '../../src/core/request.ts'
import { retry } from '../../src/core/retry.ts'
import type { Verdict } from '../../src/core/verdict.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Secret } from '../../src/secret.ts'
import { type AdminDeps, adminApp } from '../../src/server/admin.ts'
import type { WorkerView } from '../../src/server/views.ts'
import type { AskedRunners, Moment, Overview, Page, Pause } from '../../src/store/store.ts'
import { aTarget } from '../support/builders.ts'
import { giteaRules } from '../support/snapshot.ts'
import { aLog, aStandingClock } from './intake-world.ts'

type Rows = {
  [List in 'runners' | 'dispatches' | 'requests' | 'events']: Awaited<
    ReturnType<AdminDeps['store'][List]>
  >['items'][number][]
} & {
  /** With what the last turn said, where one has seen it. */
  jobs: (Job & { verdict?: Verdict | null })[]
}

const nothingAround = {
  live: 0,
  retries: 0,
  ahead: 0,
  oldestEndsAt: null,
  ofDispatcher: 0,
  dispatch: null,
  runner: null,
  backoffs: { refused: null, idled: null, breaker: null },
  paused: null,
}

/** A store that holds what a test puts into it, and pages it by position. */
export function aShelf(rows: Partial<Rows> = {}) {
  const shelf = { jobs: [], runners: [], dispatches: [], requests: [], events: [], ...rows } satisfies Rows
  const keys = new Map<string, AskedRunners>()
  const paused = new Map<string, Pause>()
  const backoffs: Backoff[] = []
  const state = {
    broken: null as Error | null,
    full: false,
    /** What is counted; nothing unless a test says so. */
    overview: {} as Partial<Overview>,
    moments: [] as Moment[],
  }

  function page<T extends { instance: string }>(
    all: readonly T[],
    query: { instance?: string; target?: string; cursor?: string; limit: number },
    wanted: (row: T) => boolean = () => true,
  ): Page<T> {
    if (state.broken) throw state.broken
    const { instance, target } = query
    const targetOf = (row: T) => ('target' in row ? row.target : undefined)
    const fitting = all.filter(
      (row) =>
        (instance ?? row.instance) === row.instance && (target ?? targetOf(row)) === targetOf(row) && wanted(row),
    )
    const begin = Number(query.cursor ?? 0)
    const end = begin + query.limit
    return { items: fitting.slice(begin, end), next: end < fitting.length ? String(end) : null }
  }

  const tell = (event: Event) => void shelf.events.push({ ...event, id: String(shelf.events.length + 1) })

  const jobs = () =>
    shelf.jobs.map((job) => ({
      ...job,
      verdict: shownVerdict(job, job.verdict ?? null, { paused: paused.has(job.instance), beyond: new Set() }),
    }))

  const newestRound = (instance: string, id: string, round?: number) =>
    jobs()
      .filter((job) => job.instance === instance && job.id === id && (round ?? job.round) === job.round)
      .sort((a, b) => b.round - a.round)[0] ?? null

  const store: AdminDeps['store'] = {
    async ready() {
      if (state.broken) throw state.broken
    },
    jobs: async (query) => page(jobs(), query, (job) => (query.state ?? job.state) === job.state),
    job: async (instance, id, round) => newestRound(instance, id, round),
    runners: async (query) =>
      page(
        shelf.runners,
        query,
        (one) =>
          (query.gone === undefined || query.gone === (one.goneAt !== null)) &&
          (query.state ?? one.state) === one.state,
      ),
    dispatches: async (query) =>
      page(
        shelf.dispatches,
        query,
        (one) =>
          (query.live === undefined || query.live === (one.goneAt === null)) &&
          (query.ids?.includes(one.id) ?? true) &&
          !(query.untied && one.runner !== null),
      ),
    events: async ({ job, ...query }) =>
      page(
        shelf.events,
        query,
        (event) => !job || (event.job?.id === job.id && (job.round ?? event.job.round) === event.job.round),
      ),
    requests: async (query) => page<RunnerRequest>(shelf.requests, query),
    // Like the store's, but in memory.
    async request(asked) {
      if (state.broken) throw state.broken
      const { instance, key, answer, requests } = asked
      const known = key && keys.get(`${instance}/${key.value}`)
      if (known)
        return known.key?.digest === key.digest ? { kind: 'repeated', answer: known.answer } : { kind: 'mismatch' }
      if (state.full) return { kind: 'full' }
      if (key) keys.set(`${instance}/${key.value}`, asked)
      shelf.requests.push(...requests)
      return { kind: 'recorded', answer }
    },
    async cancel(id) {
      const index = shelf.requests.findIndex((one) => one.id === id)
      return index === -1 ? null : (shelf.requests.splice(index, 1)[0] ?? null)
    },
    async settle(id, outcome) {
      const index = shelf.dispatches.findIndex((one) => one.id === id)
      const row = shelf.dispatches[index]
      if (!row) return null
      if (row.goneAt === null && outcome.kind === 'gone')
        shelf.dispatches[index] = { ...row, goneAt: outcome.at, goneReason: outcome.why }
      return shelf.dispatches[index] ?? null
    },
    onBell: () => () => undefined,
    secretUses: async () => [],
    circumstances: async ({ target }) => ({
      ...nothingAround,
      live: shelf.dispatches.filter((one) => one.target === target && one.goneAt === null).length,
    }),
    waits: async () => ({ queue: [4_000, 2_000, 60_000], boot: [], run: [] }),
    deliveries: async (instance) => ({ instance, lastAt: null, lastJobEventAt: null }),
    async overview() {
      if (state.broken) throw state.broken
      return { jobs: [], runners: [], deliveries: new Map(), breakers: backoffs, paused, ...state.overview }
    },
    history: async () => state.moments,
    paused: async (instance) => paused.get(instance) ?? null,
    async append(appended) {
      if (state.broken) throw state.broken
      for (const event of appended) tell(event)
    },
    async pause(instance, how) {
      if (state.broken) throw state.broken
      if (paused.has(instance)) return
      paused.set(instance, how)
      tell(eventAbout('paused', { at: how.at, instance }, { by: how.by }))
    },
    async resume(instance, how) {
      if (state.broken) throw state.broken
      if (paused.delete(instance)) tell(eventAbout('resumed', { at: how.at, instance }, { by: how.by }))
    },
    async retry({ instance, id, targets, at, by }) {
      if (state.broken) throw state.broken
      const job = newestRound(instance, id)
      if (!job) return null
      const target = targets.find(({ name }) => name === job.target) ?? null
      const dispatches = shelf.dispatches.filter((one) => one.job?.id === id && one.goneAt === null)
      const rows = {
        job,
        dispatches,
        backoffs: new Map(backoffs.map((one) => [one.key, one])),
        paused: paused.has(instance),
      }
      const done = retry(rows, target, at)
      if (typeof done === 'string') return { kind: 'nothing', why: done, job }
      tell(eventAbout('job_retried', { at, instance, job }, { by }))
      shelf.jobs[shelf.jobs.findIndex((one) => one.id === id && one.round === job.round)] = done.job
      return { kind: 'retried', ...done }
    },
  }
  return { store, state, shelf, backoffs }
}

export function anInstance(over: Partial<InstanceConfig> = {}): InstanceConfig {
  return {
    name: 'main',
    forge: {
      kind: 'forgejo',
      options: { baseUrl: new URL('https://forge.example/'), token: new Secret('canary-token'), ca: null },
    },
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    disablePolling: false,
    pollInterval: 30_000,
    reconcileInterval: 300_000,
    webhookGrace: 60_000,
    secrets: [new Secret('canary-secret')],
    webhook: null,
    dryRun: false,
    targets: [aTarget({ env: { PASSWORD: 'canary-env' } })],
    ...over,
  }
}

/** A worker that polls and has looked once without trouble. */
export function aWorker(over: Partial<WorkerView> = {}) {
  const asked: string[] = []
  const worker: WorkerView = {
    mode: 'polling',
    labels: giteaRules,
    capabilities: null,
    lastLook: null,
    lookFailingSince: null,
    nextLookAt: null,
    hook: null,
    lookNow: () => void asked.push('look'),
    ...over,
  }
  return { worker, asked }
}

/** What callers of the dispatcher API send. */
export const callerToken = 'token-of-a-caller'

interface AdminWorld {
  /** In place of the shelf. */
  store?: AdminDeps['store']
  clock?: Clock
  rows?: Partial<Rows>
  instances?: readonly InstanceConfig[]
  workers?: ReadonlyMap<string, WorkerView>
  lanes?: AdminDeps['lanes']
  /** By role; none leaves the listener without tokens. */
  tokens?: Partial<Record<Role, string>>
  host?: string
  /** What is said of the dispatcher API; it is offered with the token `token-of-a-caller` unless this is null. */
  api?: Partial<DispatcherApiConfig> | null
  dryRun?: boolean
  /** What comes of a reload. */
  reloaded?: Reloaded
}

/** The admin listener over a shelf, with one instance, `main`, and the dispatcher `default`. */
export function anAdminWorld(over: AdminWorld = {}) {
  const {
    rows,
    instances = [anInstance()],
    workers = new Map(),
    lanes = new Map(),
    tokens = {},
    host = '127.0.0.1',
    api = {},
    dryRun = false,
    reloaded = { kind: 'adopted', changes: [], restartNeeded: [] },
  } = over
  const { store: held, state, shelf, backoffs } = aShelf(rows)
  const { store = held } = over
  const standing = aStandingClock()
  const { log, text, lines } = aLog()
  const metrics = createMetrics()
  const stopping = new AbortController()
  const roles: Role[] = ['read', 'operate', 'admin']
  const config: ReturnType<AdminDeps['config']> = {
    instances,
    dispatchers: new Map([
      [
        'default',
        {
          name: 'default',
          settings: {
            kind: 'http',
            options: { url: new URL('http://dispatcher.example/'), token: null, idempotent: false, ca: null },
          },
          timeout: 15_000,
          launchConcurrency: 8,
          maxParallel: null,
          onShutdown: 'close',
        },
      ],
    ]),
    dryRun,
    owner: 'muster',
    dispatcherApi: api && {
      token: new Secret(callerToken),
      instance: instances[0]?.name ?? '',
      allowLabels: [],
      allowScopes: [],
      maxParallel: null,
      defaultLabels: [],
      defaultScope: null,
      places: new Map(instances.map(({ name }) => [name, { dispatcher: 'default', labels: giteaRules }])),
      ...api,
    },
    admin: {
      listen: { host, port: 8091 },
      tokens: roles.flatMap((role) => {
        const token = tokens[role]
        return token === undefined ? [] : [{ name: role, role, token: new Secret(token) }]
      }),
    },
  }
  const reload: AdminDeps['reload'] = (by) => {
    reloads.push(by)
    return reloaded
  }
  const reloads: string[] = []
  let made = 0
  const ids = () => `id-${++made}`
  const app = adminApp({
    config: () => config,
    store,
    workers,
    lanes,
    clock: over.clock ?? standing,
    log,
    metrics,
    ids,
    stopping: stopping.signal,
    reload,
  })

  /** The answer's JSON, whatever its status. */
  async function get(path: string) {
    const answer = await app.request(path)
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      body: (await answer.json()) as Record<string, unknown>,
    }
  }

  return { app, get, state, shelf, backoffs, store, clock: standing, metrics, stopping, text, lines, reloads }
}
