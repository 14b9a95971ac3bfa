import { hostname } from 'node:os'
import { type Clock, systemClock } from './clock.ts'
import type { Config, DispatcherConfig, InstanceConfig } from './config/config.ts'
import { scopeKey } from './core/scope.ts'
import type { Dispatcher } from './dispatchers/dispatcher.ts'
import { createDispatcher } from './dispatchers/index.ts'
import type { Forge } from './forges/forge.ts'
import { createForge } from './forges/index.ts'
import { type Ids, randomId } from './ids.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics, type Metrics, showProcess } from './metrics.ts'
import { Scrubber, type Secret } from './secret.ts'
import { openPostgresStore } from './store/postgres.ts'
import { type Health, openSqliteStore, type SqliteOptions } from './store/sqlite.ts'
import { type Holder, type Store, StoreUnusable } from './store/store.ts'
import { openTraces, type Traces } from './traces.ts'
import { version } from './version.ts'
import { Bell } from './worker/bell.ts'
import type { TurnDeps } from './worker/deps.ts'
import type { Lane } from './worker/lane.ts'

/** The world outside, as ports: a simulated one can take their place. */
export interface AppPorts {
  clock?: Clock
  ids?: Ids
  /** Names this machine in the rows of local dispatchers. */
  host?: string
  /** Where log lines go; standard error by default. */
  writeLog?: (line: string) => void
  logLevel?: string
  /** Sets a damaged state aside and begins with an empty one. A sound one is kept. */
  rebuildState?: boolean
  /** Where OpenTelemetry finds its variables; the process's own by default. */
  env?: NodeJS.ProcessEnv
  /** How often it is counted how everything is, milliseconds; a demo has less time than a service. */
  sampling?: number
  /** Reads the configuration again, for a reload. Throws `ConfigInvalid`. */
  load?: () => Config
}

/** What the application is put together from. */
export interface Parts {
  store: Store
  clock: Clock
  ids: Ids
  host: string
  /** This process, as it takes leases. */
  holder: Holder
  /** How long a lease lasts, and so how long another process waits for one that died. Milliseconds. */
  leaseTime: number
  /** When the state began anew; null where it did not, or where that is forgotten. */
  rebuiltAt: number | null
  /** Rung when the disk of the state is full. */
  crowded: Bell
  metrics: Metrics
  traces: Traces
  log: Log
  /** Of the log: secrets that come later are told to it. */
  scrubber: Scrubber
}

/** A file is opened by one process: nobody waits for a lease in it to end. */
const leaseTimes = { sqlite: 60 * 60_000, postgres: 10_000 }

/** Opens the state, wherever it is kept. Rejects with `StoreUnusable`. */
export async function openState(
  { state }: Pick<Config, 'state'>,
  how: Omit<SqliteOptions, 'path'> = {},
): Promise<Store> {
  if (state.kind === 'sqlite') return openSqliteStore({ ...how, path: state.path })
  if (how.rebuild)
    throw new StoreUnusable('--rebuild-state begins a file anew: a database is restored from its backup.')
  return openPostgresStore({ url: state.url.reveal(), onHealth: how.onHealth })
}

/** Opens what the application is put together from. */
export async function openParts(config: Config, ports: AppPorts): Promise<Parts> {
  const { clock = systemClock, ids = randomId, host = hostname() } = ports
  const scrubber = new Scrubber(config.secrets)
  const log = createLog({ scrubber, level: ports.logLevel, write: ports.writeLog })
  const metrics = createMetrics()
  showProcess(metrics, version())
  const crowded = new Bell()
  const at = clock.now()
  const store = await openState(config, {
    rebuild: ports.rebuildState
      ? { at, told: (aside) => log.error({ aside }, 'the state was damaged and is set aside: it begins anew') }
      : undefined,
    onHealth(health, cause) {
      metrics.stateWritable.set(health === 'well' ? 1 : 0)
      if (health === 'well') log.info('the state can be written again')
      else log.error({ err: cause }, ailments[health])
      if (health === 'full') crowded.ring()
    },
  })
  metrics.stateWritable.set(1)
  const rebuiltAt = await rebuilt(store)
  if (ports.rebuildState && rebuiltAt !== at) log.info('the state is sound: --rebuild-state changes nothing')
  const traces = await openTraces(ports.env ?? process.env, version())
  const holder = { id: `${host}/${ids()}`, host }
  return {
    store,
    clock,
    ids,
    host,
    holder,
    leaseTime: leaseTimes[config.state.kind],
    rebuiltAt,
    crowded,
    metrics,
    traces,
    log,
    scrubber,
  }
}

const ailments: Readonly<Record<Exclude<Health, 'well'>, string>> = {
  full: 'the disk of the state is full: nothing new is recorded until there is room',
  failing: 'the state cannot be written: each delivery is refused until it can',
  damaged: 'the state is damaged: nothing new is recorded; restart with --rebuild-state',
}

/** The first event of a state that began anew says so. */
async function rebuilt(store: Pick<Store, 'events'>): Promise<number | null> {
  const { items } = await store.events({ after: '0', limit: 1 })
  return items[0]?.type === 'state_rebuilt' ? items[0].at : null
}

/** A dispatcher; what an earlier process left there is taken up. Throws `DispatcherUnusable`. */
export function openDispatcher(
  { name, settings }: DispatcherConfig,
  owner: string,
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
): Dispatcher {
  return createDispatcher(settings, {
    name,
    owner,
    clock,
    note: (sentence) => log.info({ dispatcher: name }, sentence),
  })
}

/** The forge of an instance, not asked anything yet. `secrets` are the webhook secrets in force, asked at each delivery. */
export function openForge(
  instance: InstanceConfig,
  { clock, metrics, log }: Pick<Parts, 'clock' | 'metrics' | 'log'>,
  secrets: () => readonly Secret[] = () => instance.secrets,
): Forge {
  return createForge(instance.forge, {
    instance: instance.name,
    scope: instance.scope,
    secrets,
    clock,
    onCall: (status) => metrics.forgeRequests.inc({ instance: instance.name, status: String(status) }),
    onQuota: ({ limit, remaining }) => {
      metrics.forgeQuota.set({ instance: instance.name }, limit)
      metrics.forgeQuotaLeft.set({ instance: instance.name }, remaining)
    },
    note: (sentence) => log.info({ instance: instance.name }, sentence),
  })
}

/** The forge with a narrower scope, made when it is first asked for; its own scope is the forge itself. */
function forgesInside(instance: InstanceConfig, forge: Forge, parts: Parts): TurnDeps['forgeAt'] {
  const made = new Map([[scopeKey(instance.scope), forge]])
  return (scope) => {
    const known = made.get(scopeKey(scope)) ?? openForge({ ...instance, scope }, parts)
    made.set(scopeKey(scope), known)
    return known
  }
}

/** What the turns of an instance work with; `lanes` are those where its runners are, or may be. */
export function turnDeps(
  config: Config,
  instance: InstanceConfig,
  forge: Forge,
  lanes: ReadonlyMap<string, Lane>,
  parts: Parts,
): TurnDeps {
  const place = config.dispatcherApi?.places.get(instance.name)
  const having = (trait: (lane: Lane) => boolean) =>
    new Set([...lanes].filter(([, lane]) => trait(lane)).map(([name]) => name))
  const limited = [...config.dispatchers.values()].flatMap(({ name, maxParallel }): [string, number][] =>
    maxParallel === null ? [] : [[name, maxParallel]],
  )
  return {
    instance: instance.name,
    scope: instance.scope,
    forge,
    targets: instance.targets,
    api: place ? { dispatcher: place.dispatcher, maxParallel: config.dispatcherApi?.maxParallel ?? null } : null,
    forgeAt: forgesInside(instance, forge, parts),
    store: parts.store,
    lanes,
    maxParallel: new Map(limited),
    get stoppable() {
      return having(({ traits }) => traits.stops)
    },
    get lists() {
      return having((lane) => lane.lists)
    },
    owner: config.owner,
    host: parts.host,
    dryRun: config.dryRun || instance.dryRun,
    rebuiltAt: parts.rebuiltAt,
    hookUrl: instance.webhook?.url ?? null,
    webhookGrace: instance.webhookGrace,
    retiring: new Set(),
    clock: parts.clock,
    ids: parts.ids,
    log: parts.log.child({ instance: instance.name }),
    metrics: parts.metrics,
    traces: parts.traces,
  }
}
