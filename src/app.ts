import type { Clock } from './clock.ts'
import type { Config, InstanceConfig } from './config/config.ts'
import { requestTarget } from './core/request.ts'
import type { Forge, HookState } from './forges/forge.ts'
import { keepHistory, sampling } from './history.ts'
import type { Log } from './log.ts'
import { beginCounters, type Metrics } from './metrics.ts'
import { type AppPorts, openForge, openLanes, openParts, type Parts, turnDeps } from './parts.ts'
import { adminApp } from './server/admin.ts'
import { type Listener, serve } from './server/listen.ts'
import { publicApp } from './server/public.ts'
import type { Intake } from './server/webhooks.ts'
import type { Store } from './store/store.ts'
import { keepHook } from './worker/hook.ts'
import type { Lane } from './worker/lane.ts'
import { Worker } from './worker/worker.ts'

//   config ─▶ forges ──────┐                      ┌─▶ public listener: deliveries in
//          ─▶ dispatchers ─┼─▶ workers ◀─ bell ─ store
//          ─▶ store ───────┘                      └─▶ admin listener: everything seen

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

/** Makes the running application of a configuration. Needs no forge to be up; rejects with `StoreUnusable`, `DispatcherUnusable` and `CannotListen`. */
export async function startApp(config: Config, ports: AppPorts = {}): Promise<App> {
  const parts = await openParts(config, ports)
  const lanes = new Map<string, Lane>()
  try {
    return await run(config, parts, lanes, ports.sampling ?? sampling)
  } catch (error) {
    // Whoever watches runners of an earlier process would keep this one alive.
    await Promise.all([...lanes.values()].map((lane) => lane.close()))
    await parts.store.close()
    throw error
  }
}

async function run(config: Config, parts: Parts, lanes: Map<string, Lane>, every: number): Promise<App> {
  const { store, clock, metrics, log } = parts
  openLanes(config, parts, lanes)
  const instances = openInstances(config, lanes, parts)
  const workers = new Map(instances.map(({ instance, worker }) => [instance.name, worker]))
  store.onBell((instance) => workers.get(instance)?.ring())
  for (const lane of lanes.values()) lane.dispatcher.onEnd?.(() => workers.forEach((worker) => void worker.ring()))

  const ending = new AbortController()
  const listeners = await listen(config, { ...parts, lanes, instances, workers, stopping: ending.signal })
  for (const warning of config.warnings) log.warn(warning)
  for (const worker of workers.values()) worker.start()
  const background = [
    pruneHourly(store, clock, log, ending.signal),
    keepHistory({ store, clock, log, instances: () => config.instances }, every, ending.signal),
    ...keepHooks(config, instances, parts, ending.signal),
  ]
  const [publicPort, adminPort] = listeners.map(({ port }) => port) as [number, number]
  log.info({ port: publicPort, admin: adminPort, instances: config.instances.length }, 'muster is ready')

  return {
    publicPort,
    adminPort,
    store,
    metrics,
    log,
    workers,
    async stop() {
      ending.abort()
      // No turn any more, but what still comes in is recorded and answered until the listener is closed.
      await Promise.all([...workers.values()].map((worker) => worker.stop()))
      nameOldCalls(lanes, log)
      await Promise.all([...listeners, ...lanes.values()].map((one) => one.close()))
      await Promise.all(background)
      await parts.traces.close()
      await store.close()
      log.info('muster has stopped')
    },
  }
}

interface Instance {
  instance: InstanceConfig
  forge: Forge
  worker: Worker
}

function openInstances(config: Config, lanes: ReadonlyMap<string, Lane>, parts: Parts): Instance[] {
  return config.instances.map((instance) => {
    const requested = config.dispatcherApi ? [{ name: requestTarget }] : []
    beginCounters(parts.metrics, { name: instance.name, targets: [...instance.targets, ...requested] })
    const forge = openForge(instance, parts)
    return { instance, forge, worker: openWorker(config, instance, forge, lanes, parts) }
  })
}

interface Served extends Parts {
  lanes: ReadonlyMap<string, Lane>
  instances: readonly Instance[]
  workers: ReadonlyMap<string, Worker>
  stopping: AbortSignal
}

/** The public listener and the admin one, or neither. */
async function listen(config: Config, served: Served): Promise<[Listener, Listener]> {
  const { clock } = served
  const intakes = new Map(served.instances.flatMap(({ instance, forge }) => intakeOf(instance, forge)))
  const incoming = publicApp({ ...served, intakes: () => intakes, maxBody: config.maxBody })
  const first = await serve(incoming, { ...config.listen, clock })
  try {
    const second = await serve(adminApp({ ...served, config: () => config }), { ...config.admin.listen, clock })
    return [first, second]
  } catch (error) {
    await first.close()
    throw error
  }
}

/** Runners that a blocking dispatcher ends with its call. */
function nameOldCalls(lanes: ReadonlyMap<string, Lane>, log: Log): void {
  for (const { oldCalls, settings } of lanes.values()) {
    if (oldCalls.length === 0 || settings.onShutdown === 'wait') continue
    log.warn({ dispatcher: settings.name, dispatches: oldCalls }, 'these runners may end with their call')
  }
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
    holder: parts.holder,
    // A file is opened by one process: nobody waits for a lease in it to end.
    leaseTime: hour,
  })
}

function intakeOf(instance: InstanceConfig, forge: Forge): [string, Intake][] {
  if (instance.secrets.length === 0) return []
  const { name, targets, secrets } = instance
  return [[name, { name, forge, targets, secrets }]]
}

function keepHooks(
  config: Config,
  instances: readonly Instance[],
  { store, clock, log }: Pick<Parts, 'store' | 'clock' | 'log'>,
  signal: AbortSignal,
): Promise<void>[] {
  return instances.flatMap(({ instance, forge, worker }) => {
    const [secret] = instance.secrets
    if (!instance.webhook || !secret || config.dryRun || instance.dryRun) return []
    const deps = { forge, store, clock, instance: instance.name, log: log.child({ instance: instance.name }) }
    const told = (state: HookState) => {
      worker.hook = state
      // What happened while it was gone or switched off was never delivered, and cannot be read back either.
      if (state.done !== 'kept' && worker.mode !== 'polling') worker.lookNow()
    }
    return [keepHook(deps, { ...instance.webhook, secret }, told, worker.hookDoubted, signal)]
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
