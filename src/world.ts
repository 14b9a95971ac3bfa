import { compared, type Described, describe, writtenOptions } from './config/changes.ts'
import type { Config, DispatcherConfig, InstanceConfig } from './config/config.ts'
import { requestTarget } from './core/request.ts'
import type { Dispatcher } from './dispatchers/dispatcher.ts'
import type { Forge } from './forges/forge.ts'
import { HookKeepers } from './hook-keepers.ts'
import { beginCounters, forgetRemoved } from './metrics.ts'
import { openDispatcher, openForge, type Parts, turnDeps } from './parts.ts'
import type { Intake } from './server/webhooks.ts'
import { Lane } from './worker/lane.ts'
import { Worker } from './worker/worker.ts'

/** What another configuration needs that is not there yet: made beside what runs, and touching nothing of it. */
export interface Prepared {
  config: Config
  described: Described
  /** By name: those that are new, or made from other options. */
  dispatchers: ReadonlyMap<string, Dispatcher>
  /** By instance: those that are new, or made from other options. */
  forges: ReadonlyMap<string, Forge>
}

/** An instance at work, with what it was made from: a secret stands in these keys for its value at that time. */
interface Instance {
  config: InstanceConfig
  forge: Forge
  worker: Worker
  forgeKey: string
  /** Whether it is still the same forge, and whether webhooks come in the same way. */
  sourceKey: string
  key: string
  /** The names of the dispatchers that its runners are, or may still be, at. */
  lanes: ReadonlySet<string>
  /** It is configured no more. */
  isLeft: boolean
}

/**
 * What one configuration sets up between the listeners and the state: lanes, forges, workers, intakes and webhooks. Another one is prepared
 * whole, and then adopted in one step; listeners, state and log stay.
 */
export class World {
  /** By dispatcher name; also those that are configured no more and still have runners. */
  readonly lanes = new Map<string, Lane>()
  /** By instance name; also those that are configured no more and still have runners. */
  readonly workers = new Map<string, Worker>()
  /** The instances that take webhooks. */
  intakes: ReadonlyMap<string, Intake> = new Map()
  readonly #parts: Parts
  readonly #instances = new Map<string, Instance>()
  readonly #dispatcherKeys = new Map<string, string>()
  readonly #hooks: HookKeepers
  #config: Config | null = null
  #described: Described = new Map()
  #isStarted = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#hooks = new HookKeepers(parts)
    parts.store.onBell((instance) => this.workers.get(instance)?.ring())
  }

  /** The configuration in force. */
  get config(): Config {
    if (this.#config === null) throw new Error('no configuration was adopted yet')
    return this.#config
  }

  get described(): Described {
    return this.#described
  }

  /** Makes what is needed for it. Throws `DispatcherUnusable`; then nothing of it is left. */
  prepare(config: Config): Prepared {
    this.#parts.scrubber.know(config.secrets)
    const dispatchers = new Map<string, Dispatcher>()
    try {
      for (const one of config.dispatchers.values()) {
        if (this.#dispatcherKeys.get(one.name) === keyOf(one)) continue
        dispatchers.set(one.name, openDispatcher(one, config.owner, this.#parts))
      }
      const forges = config.instances.flatMap((instance): [string, Forge][] => {
        const { name } = instance
        if (this.#instances.get(name)?.forgeKey === forgeKey(instance)) return []
        return [[name, openForge(instance, this.#parts, () => this.#instances.get(name)?.config.secrets ?? [])]]
      })
      return { config, described: describe(config), dispatchers, forges: new Map(forges) }
    } catch (error) {
      for (const dispatcher of dispatchers.values()) dispatcher.close?.().catch(() => undefined)
      throw error
    }
  }

  /** In one step: from here on deliveries, calls and turns go by it. Turns and calls under way end by the one before. */
  adopt({ config, described, dispatchers, forges }: Prepared): void {
    const isLess = [...this.#described.keys()].some((path) => !described.has(path))
    this.#config = config
    this.#described = described
    this.#adoptLanes(config, dispatchers)
    const kept = new Set(config.instances.map(({ name }) => name))
    for (const [name, instance] of this.#instances) if (!kept.has(name)) this.#drain(name, instance)
    for (const instance of config.instances) this.#adoptInstance(instance, forges.get(instance.name))
    this.intakes = new Map(config.instances.flatMap(({ name }) => this.#intakeOf(name)))
    if (isLess) this.#forgetGauges()
  }

  start(): void {
    this.#isStarted = true
    for (const [name, { worker }] of this.#instances) {
      worker.start()
      this.#keepHook(name)
    }
  }

  /** No turn any more; calls go on, and deliveries are still taken. */
  async stopWork(): Promise<void> {
    this.#isStarted = false
    await Promise.all([...[...this.workers.values()].map((worker) => worker.stop()), this.#hooks.stop()])
  }

  /** Calls under way are let go as `on_shutdown` says. */
  async close(): Promise<void> {
    for (const { oldCalls, settings } of this.lanes.values()) {
      if (oldCalls.length === 0 || settings.onShutdown === 'wait') continue
      const about = { dispatcher: settings.name, dispatches: oldCalls }
      this.#parts.log.warn(about, 'these runners may end with their call')
    }
    await Promise.all([...this.lanes.values()].map((lane) => lane.close()))
  }

  #adoptLanes(config: Config, made: Prepared['dispatchers']): void {
    for (const one of config.dispatchers.values()) {
      const { name } = one
      const dispatcher = made.get(name)
      const lane = this.lanes.get(name)
      this.#dispatcherKeys.set(name, keyOf(one))
      lane?.configure(one)
      if (lane && dispatcher) lane.move(dispatcher)
      else if (dispatcher) this.lanes.set(name, this.#newLane(one, dispatcher))
    }
    for (const [name, lane] of this.lanes) {
      if (config.dispatchers.has(name)) continue
      this.#dispatcherKeys.delete(name)
      if (lane.place) lane.move(null)
      if (lane.isOver) this.lanes.delete(name)
    }
  }

  #newLane(settings: DispatcherConfig, dispatcher: Dispatcher): Lane {
    const lane = new Lane(settings, { dispatcher, ...this.#parts })
    lane.onEnd(() => this.workers.forEach((worker) => void worker.ring()))
    return lane
  }

  #adoptInstance(config: InstanceConfig, made: Forge | undefined): void {
    const { name } = config
    const before = this.#instances.get(name)
    const forge = made ?? before!.forge
    const keys = { forgeKey: forgeKey(config), sourceKey: sourceKey(config), key: compared(config) }
    const lanes = this.#lanesOf(config, before?.lanes ?? new Set())
    const deps = turnDeps(this.config, config, forge, this.#among(lanes), this.#parts)
    const { holder, leaseTime } = this.#parts
    const settings = { ...config, holder, leaseTime }
    const changed = before?.key !== keys.key
    const worker = before?.worker ?? new Worker(deps, settings)
    this.#instances.set(name, { ...keys, config, forge, worker, lanes, isLeft: false })
    beginCounters(this.#parts.metrics, this.#counted(config))
    before?.worker.reconfigure({ deps, settings, changed, anew: before.sourceKey !== keys.sourceKey })
    this.workers.set(name, worker)
    if (!before && this.#isStarted) worker.start()
    this.#keepHook(name)
  }

  /** Configured no more: no new runners, its webhook stays at the forge, and its runners are followed to their end. */
  #drain(name: string, { config, forge, worker, lanes, isLeft }: Instance): void {
    if (isLeft) return
    const left = { ...config, targets: [], secrets: [], webhook: null, disablePolling: false }
    const deps = turnDeps(this.config, left, forge, this.#among(lanes), this.#parts)
    const drained = () => {
      if (!this.#instances.get(name)?.isLeft) return
      this.workers.delete(name)
      this.#instances.delete(name)
      void worker.stop().then(() => this.#forgetGauges())
    }
    const noKeys = { forgeKey: '', sourceKey: '', key: '' }
    this.#instances.set(name, { ...noKeys, config: left, forge, worker, lanes, isLeft: true })
    worker.reconfigure({
      deps,
      settings: { ...left, holder: this.#parts.holder, leaseTime: this.#parts.leaseTime, drained },
      changed: true,
      anew: true,
    })
    this.#hooks.letBe(name)
  }

  /** Those of its targets and of the dispatcher API, and those where runners of it may still be. */
  #lanesOf({ name, targets }: InstanceConfig, before: ReadonlySet<string>): ReadonlySet<string> {
    const place = this.config.dispatcherApi?.places.get(name)
    const used = targets.flatMap(({ dispatcher, fallback }) => [dispatcher, ...fallback])
    const left = [...before].filter((lane) => this.lanes.has(lane))
    return new Set([...used, ...(place ? [place.dispatcher] : []), ...left])
  }

  #among(names: ReadonlySet<string>): ReadonlyMap<string, Lane> {
    return new Map([...this.lanes].filter(([name]) => names.has(name)))
  }

  #intakeOf(name: string): [string, Intake][] {
    const { config, forge } = this.#instances.get(name)!
    const { targets, secrets } = config
    return secrets.length === 0 ? [] : [[name, { name, forge, targets, secrets }]]
  }

  #keepHook(name: string): void {
    if (!this.#isStarted) return
    const { config, forge, worker } = this.#instances.get(name)!
    this.#hooks.keep(config, forge, worker)
  }

  #counted({ name, targets }: InstanceConfig) {
    const requested = this.config.dispatcherApi ? [{ name: requestTarget }] : []
    return { name, targets: [...targets, ...requested] }
  }

  #forgetGauges(): void {
    const instances = this.config.instances.map((instance) => this.#counted(instance))
    forgetRemoved(this.#parts.metrics, { instances, dispatchers: new Set(this.config.dispatchers.keys()) })
  }
}

function keyOf({ settings }: DispatcherConfig): string {
  return compared(writtenOptions(settings))
}

function forgeKey({ forge, scope }: InstanceConfig): string {
  return compared([forge, scope])
}

function sourceKey({ forge, scope, webhook, secrets }: InstanceConfig): string {
  return compared([forge.kind, forge.options.baseUrl.href, scope, webhook?.url ?? null, secrets.length > 0])
}
