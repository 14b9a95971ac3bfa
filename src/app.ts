import type { Config } from './config/config.ts'
import type { Reload } from './config/reloaded.ts'
import { keepHistory, sampling } from './history.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import { freeOrphans } from './orphans.ts'
import { type AppPorts, openParts, type Parts } from './parts.ts'
import { createReload } from './reload.ts'
import { type AdminDeps, adminApp } from './server/admin.ts'
import { type Listener, serve } from './server/listen.ts'
import { publicApp } from './server/public.ts'
import type { Store } from './store/store.ts'
import { watchFiles } from './watch.ts'
import type { Worker } from './worker/worker.ts'
import { World } from './world.ts'

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
  /** Takes the configuration up as it is now; a bad one changes nothing. */
  reload: Reload
  /** Ends within 10 s: no new work, deliveries answered until the listener is closed, calls in flight parked. With `on_shutdown: wait` it waits. */
  stop(): Promise<void>
}

const hour = 60 * 60_000
/** How long what is over is remembered. */
const memory = 7 * 24 * hour

/** Makes the running application of a configuration. Needs no forge to be up; rejects with `StoreUnusable`, `DispatcherUnusable` and `CannotListen`. */
export async function startApp(config: Config, ports: AppPorts = {}): Promise<App> {
  const parts = await openParts(config, ports)
  const world = new World(parts)
  try {
    world.adopt(world.prepare(config))
    return await run(world, parts, ports)
  } catch (error) {
    // Whoever watches runners of an earlier process would keep this one alive.
    await world.close()
    await parts.store.close()
    throw error
  }
}

async function run(world: World, parts: Parts, ports: AppPorts): Promise<App> {
  const { store, clock, metrics, log } = parts
  const { config, workers } = world
  const ending = new AbortController()
  const reload = createReload(world, parts, ports.load ?? null, ending.signal)
  const listeners = await listen(world, { ...parts, reload, stopping: ending.signal })
  for (const warning of config.warnings) log.warn(warning)
  world.start()
  const watched = () => (world.config.watch ? world.config.files : null)
  const background = [
    tidy(world, parts, ending.signal),
    keepHistory({ ...parts, instances: () => world.config.instances }, ports.sampling ?? sampling, ending.signal),
    watchFiles(watched, () => void reload('watch'), clock, ending.signal),
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
    reload,
    async stop() {
      ending.abort()
      // No turn any more, but what still comes in is recorded and answered until the listener is closed.
      await world.stopWork()
      await Promise.all([...listeners.map((one) => one.close()), world.close()])
      await Promise.all(background)
      await parts.traces.close()
      await store.close()
      log.info('muster has stopped')
    },
  }
}

/** The public listener and the admin one, or neither. */
async function listen(
  world: World,
  served: Parts & Pick<AdminDeps, 'reload' | 'stopping'>,
): Promise<[Listener, Listener]> {
  const { clock } = served
  const { listen, admin } = world.config
  const incoming = publicApp({ ...served, intakes: () => world.intakes, maxBody: () => world.config.maxBody })
  const first = await serve(incoming, { ...listen, clock })
  try {
    const { workers, lanes } = world
    const seen = adminApp({ ...served, workers, lanes, config: () => world.config })
    return [first, await serve(seen, { ...admin.listen, clock })]
  } catch (error) {
    await first.close()
    throw error
  }
}

/** Lets go of what nobody needs any more: at start, each hour, and when the disk is full. */
async function tidy(world: World, parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, clock, log, crowded } = parts
  const isFollowed = (instance: string) => world.workers.has(instance)
  signal.addEventListener('abort', () => crowded.ring())
  while (!signal.aborted) {
    const due = await freeOrphans(parts, isFollowed).catch((error) => {
      log.error({ err: error }, 'slots of instances that are gone could not be freed')
      return hour
    })
    await crowded.wait(clock, Math.min(hour, due))
    if (signal.aborted) return
    await store
      .prune(clock.now() - memory)
      .catch((error) => log.error({ err: error }, 'what is over could not be forgotten'))
  }
}
