import { hostname } from 'node:os'
import { type Clock, systemClock } from './clock.ts'
import type { Config, DispatcherConfig, InstanceConfig } from './config/config.ts'
import { scopeKey } from './core/scope.ts'
import { createDispatcher } from './dispatchers/index.ts'
import type { Forge } from './forges/forge.ts'
import { createForge } from './forges/index.ts'
import { type Ids, randomId } from './ids.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics, type Metrics, showProcess } from './metrics.ts'
import { Scrubber } from './secret.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Holder, Store } from './store/store.ts'
import { openTraces, type Traces } from './traces.ts'
import { version } from './version.ts'
import type { TurnDeps } from './worker/deps.ts'
import { Lane } from './worker/lane.ts'

/** The world outside, as ports: a simulated one can take their place. */
export interface AppPorts {
  clock?: Clock
  ids?: Ids
  /** Names this machine in the rows of local dispatchers. */
  host?: string
  /** Where log lines go; standard error by default. */
  writeLog?: (line: string) => void
  logLevel?: string
  /** Where OpenTelemetry finds its variables; the process's own by default. */
  env?: NodeJS.ProcessEnv
  /** How often it is counted how everything is, milliseconds; a demo has less time than a service. */
  sampling?: number
}

/** What the application is put together from. */
export interface Parts {
  store: Store
  clock: Clock
  ids: Ids
  host: string
  /** This process, as it takes leases. */
  holder: Holder
  metrics: Metrics
  traces: Traces
  log: Log
}

/** Opens the state. */
export async function openParts(config: Config, ports: AppPorts): Promise<Parts> {
  const { clock = systemClock, ids = randomId, host = hostname() } = ports
  const log = createLog({ scrubber: new Scrubber(config.secrets), level: ports.logLevel, write: ports.writeLog })
  const store = await openSqliteStore({ path: config.state.path })
  const metrics = createMetrics()
  showProcess(metrics, version())
  const traces = await openTraces(ports.env ?? process.env, version())
  const holder = { id: `${host}/${ids()}`, host }
  return { store, clock, ids, host, holder, metrics, traces, log }
}

/** Opens every dispatcher with its lane. */
export function openLanes(
  config: Config,
  { store, clock, metrics, log }: Pick<Parts, 'store' | 'clock' | 'metrics' | 'log'>,
  lanes: Map<string, Lane>,
): void {
  const open = ({ name, settings, timeout, launchConcurrency, onShutdown }: DispatcherConfig): Lane => {
    const note = (sentence: string) => log.info({ dispatcher: name }, sentence)
    const dispatcher = createDispatcher(settings, { name, owner: config.owner, clock, note })
    return new Lane({ name, timeout, launchConcurrency, onShutdown }, { dispatcher, store, clock, metrics })
  }
  for (const dispatcher of config.dispatchers.values()) lanes.set(dispatcher.name, open(dispatcher))
}

/** The forge of an instance, not asked anything yet. */
export function openForge(
  instance: InstanceConfig,
  { clock, metrics, log }: Pick<Parts, 'clock' | 'metrics' | 'log'>,
): Forge {
  return createForge(instance.forge, {
    instance: instance.name,
    scope: instance.scope,
    secrets: () => instance.secrets,
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

/** What the turns of an instance work with. */
export function turnDeps(
  config: Config,
  instance: InstanceConfig,
  forge: Forge,
  lanes: ReadonlyMap<string, Lane>,
  parts: Parts,
): TurnDeps {
  const used = new Set(instance.targets.flatMap(({ dispatcher, fallback }) => [dispatcher, ...fallback]))
  const place = config.dispatcherApi?.places.get(instance.name)
  if (place) used.add(place.dispatcher)
  const mine = new Map([...lanes].filter(([name]) => used.has(name)))
  const having = (trait: 'stops' | 'lists') =>
    new Set([...mine].filter(([, lane]) => lane.traits[trait]).map(([name]) => name))
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
    lanes: mine,
    maxParallel: new Map(limited),
    stoppable: having('stops'),
    lists: having('lists'),
    owner: config.owner,
    host: parts.host,
    dryRun: config.dryRun || instance.dryRun,
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
