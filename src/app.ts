import { hostname } from 'node:os'
import { type Clock, systemClock } from './clock.ts'
import type { Config, DispatcherConfig, InstanceConfig } from './config/config.ts'
import { createDispatcher } from './dispatchers/index.ts'
import type { Forge } from './forges/forge.ts'
import { createForge } from './forges/index.ts'
import { type Ids, randomId } from './ids.ts'
import { createLog, type Log } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { Scrubber } from './secret.ts'
import { adminApp } from './server/admin.ts'
import { serve } from './server/listen.ts'
import { publicApp } from './server/public.ts'
import type { Intake } from './server/webhooks.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { TurnDeps } from './worker/deps.ts'
import { keepHook } from './worker/hook.ts'
import { Lane } from './worker/lane.ts'
import { type PlannedInstance, preview } from './worker/preview.ts'
import { Worker } from './worker/worker.ts'

//   config ─▶ forges ──────┐                      ┌─▶ public listener: deliveries in
//          ─▶ dispatchers ─┼─▶ workers ◀─ bell ─ store
//          ─▶ store ───────┘                      └─▶ admin listener: everything seen

/** The world outside, as ports: a simulated one can take their place. */
export interface AppPorts {
  clock?: Clock
  ids?: Ids
  /** Names this machine in the rows of local dispatchers. */
  host?: string
  /** Where log lines go; standard error by default. */
  writeLog?: (line: string) => void
  logLevel?: string
}

export interface App {
  publicPort: number
  adminPort: number
  store: Store
  metrics: Metrics
  log: Log
  workers: ReadonlyMap<string, Worker>
  /** Ends within 10 s: no new work, deliveries answered until the listener is closed, calls in flight parked. With `on_shutdown: wait` it waits. */
  stop(): Promise<void>
}

const hour = 60 * 60_000
/** How long what is over is remembered. */
const memory = 7 * 24 * hour

/** Makes the running application of a configuration. Needs no forge to be up; rejects with `StoreUnusable` and `CannotListen`. */
export async function startApp(config: Config, ports: AppPorts = {}): Promise<App> {
  const { clock = systemClock, ids = randomId, host = hostname() } = ports
  const scrubber = new Scrubber(config.secrets)
  const log = createLog({ scrubber, level: ports.logLevel, write: ports.writeLog })
  const metrics = createMetrics()
  const store = await openStore(config, clock, host, log)

  const lanes = openLanes(config, { store, clock, metrics, log })
  const instances = config.instances.map((instance) => {
    const forge = openForge(instance, { clock, metrics, log })
    return {
      instance,
      forge,
      worker: openWorker(config, instance, forge, lanes, { store, clock, ids, host, metrics, log }),
    }
  })
  const workers = new Map(instances.map(({ instance, worker }) => [instance.name, worker]))
  store.onBell((instance) => workers.get(instance)?.ring())
  for (const lane of lanes.values()) lane.dispatcher.onEnd?.(() => workers.forEach((worker) => void worker.ring()))

  const intakes = new Map(instances.flatMap(({ instance, forge }) => intakeOf(instance, forge)))
  const ending = new AbortController()
  const publicListener = await serve(
    publicApp({ intakes: () => intakes, store, clock, log, metrics, maxBody: config.maxBody, ids }),
    { ...config.listen, clock },
  )
  const adminListener = await serve(
    adminApp({ config: () => config, store, clock, log, metrics, workers, lanes, ids, stopping: ending.signal }),
    { ...config.admin.listen, clock },
  )

  for (const warning of config.warnings) log.warn(warning)
  for (const worker of workers.values()) worker.start()
  const background = [
    pruneHourly(store, clock, log, ending.signal),
    ...keepHooks(config, instances, { store, clock, log }, ending.signal),
  ]
  log.info(
    { port: publicListener.port, admin: adminListener.port, instances: config.instances.length },
    'muster is ready',
  )

  return {
    publicPort: publicListener.port,
    adminPort: adminListener.port,
    store,
    metrics,
    log,
    workers,
    async stop() {
      ending.abort()
      await Promise.all([...workers.values()].map((worker) => worker.stop()))
      for (const { oldCalls, settings } of lanes.values()) {
        if (oldCalls.length > 0 && settings.onShutdown === 'close')
          log.warn({ dispatcher: settings.name, dispatches: oldCalls }, 'these runners end with their call')
      }
      await Promise.all([
        publicListener.close(),
        adminListener.close(),
        ...[...lanes.values()].map((lane) => lane.close(4_000)),
        ...background,
      ])
      await store.close()
      log.info('muster has stopped')
    },
  }
}

/** One look at every forge and what would follow from it, nothing done: `muster plan`. */
export async function plannedInstances(config: Config, ports: AppPorts = {}): Promise<PlannedInstance[]> {
  const { clock = systemClock, ids = randomId, host = hostname() } = ports
  const log = createLog({ scrubber: new Scrubber(config.secrets), level: 'silent' })
  const metrics = createMetrics()
  const store = await openSqliteStore({ path: ':memory:' })
  const lanes = openLanes(config, { store, clock, metrics, log })
  try {
    const parts = { store, clock, ids, host, metrics, log }
    const look = (instance: InstanceConfig) =>
      preview(turnDeps(config, instance, openForge(instance, parts), lanes, parts), AbortSignal.timeout(60_000))
    return await Promise.all(config.instances.map(look))
  } finally {
    await Promise.all([...lanes.values()].map((lane) => lane.close(0)))
    await store.close()
  }
}

interface Parts {
  store: Store
  clock: Clock
  ids: Ids
  host: string
  metrics: Metrics
  log: Log
}

async function openStore(config: Config, clock: Clock, host: string, log: Log): Promise<Store> {
  const store = await openSqliteStore({ path: config.state.path })
  const left = await store.recover(clock.now(), host)
  if (left.neverSent + left.unknown > 0) log.info(left, 'dispatches of an earlier process were taken up')
  return store
}

function openLanes(
  config: Config,
  { store, clock, metrics, log }: Pick<Parts, 'store' | 'clock' | 'metrics' | 'log'>,
): Map<string, Lane> {
  const open = ({ name, settings, timeout, launchConcurrency, onShutdown }: DispatcherConfig): [string, Lane] => {
    const note = (sentence: string) => log.info({ dispatcher: name }, sentence)
    const dispatcher = createDispatcher(settings, { name, owner: config.owner, clock, note })
    return [name, new Lane({ name, timeout, launchConcurrency, onShutdown }, { dispatcher, store, clock, metrics })]
  }
  return new Map([...config.dispatchers.values()].map(open))
}

function openForge(instance: InstanceConfig, { clock, metrics, log }: Pick<Parts, 'clock' | 'metrics' | 'log'>): Forge {
  return createForge(instance.forge, {
    instance: instance.name,
    scope: instance.scope,
    secrets: () => instance.secrets,
    clock,
    onCall: (status) => metrics.forgeRequests.inc({ instance: instance.name, status: String(status) }),
    note: (sentence) => log.info({ instance: instance.name }, sentence),
  })
}

function openWorker(
  config: Config,
  instance: InstanceConfig,
  forge: Forge,
  lanes: ReadonlyMap<string, Lane>,
  parts: Parts,
): Worker {
  return new Worker(turnDeps(config, instance, forge, lanes, parts), {
    ...instance,
    holder: `${parts.host}/${parts.ids()}`,
  })
}

function turnDeps(
  config: Config,
  instance: InstanceConfig,
  forge: Forge,
  lanes: ReadonlyMap<string, Lane>,
  parts: Parts,
): TurnDeps {
  const used = new Set(instance.targets.map(({ dispatcher }) => dispatcher))
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
    store: parts.store,
    lanes: mine,
    maxParallel: new Map(limited),
    stoppable: having('stops'),
    lists: having('lists'),
    owner: config.owner,
    host: parts.host,
    dryRun: config.dryRun || instance.dryRun,
    webhookGrace: instance.webhookGrace,
    retiring: new Set(),
    clock: parts.clock,
    ids: parts.ids,
    log: parts.log.child({ instance: instance.name }),
    metrics: parts.metrics,
  }
}

function intakeOf(instance: InstanceConfig, forge: Forge): [string, Intake][] {
  if (instance.secrets.length === 0) return []
  return [[instance.name, { name: instance.name, forge, targets: instance.targets }]]
}

function keepHooks(
  config: Config,
  instances: readonly { instance: InstanceConfig; forge: Forge; worker: Worker }[],
  { store, clock, log }: Pick<Parts, 'store' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void>[] {
  return instances.flatMap(({ instance, forge, worker }) => {
    const [secret] = instance.secrets
    if (!instance.webhook || !secret || config.dryRun || instance.dryRun) return []
    const deps = { forge, store, clock, instance: instance.name, log: log.child({ instance: instance.name }) }
    const told = (state: Worker['hook']) => {
      worker.hook = state
    }
    return [keepHook(deps, { ...instance.webhook, secret }, told, signal)]
  })
}

async function pruneHourly(store: Store, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(hour, signal)
    if (signal.aborted) return
    await store
      .prune(clock.now() - memory)
      .catch((error) => log.error({ err: error }, 'what is over could not be forgotten'))
  }
}
