import type { Clock } from '../clock.ts'
import type { Dispatch } from '../core/dispatch.ts'
import type { TimedRunningList } from '../core/look.ts'
import { type Outcome, provesBlocking } from '../core/outcome.ts'
import type { Dispatcher, DispatcherTraits, LaunchRequest } from '../dispatchers/dispatcher.ts'
import { ForgeError } from '../forges/errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Store } from '../store/store.ts'
import { launchOnce, message } from './launch.ts'
import { Outcomes } from './outcomes.ts'
import { type Place, Places } from './places.ts'
import { Slots } from './slots.ts'

/** One dispatch to be carried out. */
export interface Order {
  dispatch: Dispatch
  /** In which its row was written: once another process works the instance, nothing of it is sent. */
  epoch: number
  log: Log
  /** When the webhook came that announced its job, epoch milliseconds; null for any other demand, and for a job's further runners. */
  announcedAt: number | null
  /** Asks for the credential, where it is ours, and puts the request together. A rejection means that nothing was sent. */
  prepare(signal: AbortSignal): Promise<LaunchRequest>
}

export interface LaneSettings {
  name: string
  /** Milliseconds until a call without an answer is left alone. */
  timeout: number
  /** Calls younger than `timeout` at once. */
  launchConcurrency: number
  onShutdown: 'close' | 'wait'
}

/** Milliseconds that calls under way get at a shutdown. */
const closeGrace = 4_000

/** Milliseconds for which a list of what runs is believed while nothing is known to have changed. */
const listLife = 10_000

export interface LaneDeps {
  dispatcher: Dispatcher
  store: Pick<Store, 'settle'>
  clock: Clock
  metrics: Metrics
}

/** The calls to one dispatcher, over all instances: a few young ones at once, each outcome recorded as it becomes known. */
export class Lane {
  readonly #deps: Omit<LaneDeps, 'dispatcher'>
  readonly #places: Places
  readonly #outcomes: Outcomes
  readonly #listeners: (() => void)[] = []
  readonly #open = new Set<Promise<void>>()
  readonly #old = new Set<string>()
  readonly #closing = new AbortController()
  /** Calls that are younger than `timeout`. */
  readonly #young: Slots
  /** By instance, what is being made ready to be sent: a forge that does not give its credentials delays nobody else's. */
  readonly #ahead = new Map<string, Slots>()
  #settings: LaneSettings
  #listed: { at: number; list: TimedRunningList } | null = null
  #changes = 0
  readonly #stopping = new AbortController()

  constructor(settings: LaneSettings, { dispatcher, ...deps }: LaneDeps) {
    this.#settings = settings
    this.#deps = deps
    this.#young = new Slots(settings.launchConcurrency)
    this.#outcomes = new Outcomes(deps, settings.name, this.#stopping.signal)
    this.#places = new Places(dispatcher, deps.clock, () => {
      this.#changed()
      for (const listener of this.#listeners) listener()
    })
  }

  get settings(): LaneSettings {
    return this.#settings
  }

  get traits(): DispatcherTraits {
    return this.#places.traits
  }

  /** It can tell what it runs. */
  get lists(): boolean {
    return this.#places.lists
  }

  /** Where the next runner is asked for; null once its dispatcher is configured no more. */
  get place(): Place | null {
    return this.#places.now
  }

  /** Its dispatcher is configured no more, and nothing of it is left. */
  get isOver(): boolean {
    return this.#places.isOver
  }

  /** It was seen to answer only when its runner had ended. */
  get blocking(): boolean {
    return this.#places.now?.blocking ?? false
  }

  /** Calls `listener` when something it runs has ended. */
  onEnd(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Other settings; calls under way keep the timeout that they began with. */
  configure(settings: LaneSettings): void {
    this.#settings = settings
    for (const slots of [this.#young, ...this.#ahead.values()]) slots.resize(settings.launchConcurrency)
  }

  /**
   * Runners are asked for there from now on, or nowhere. Calls under way go on to their end, and what they started is seen until it has
   * ended; what was not yet sent is void, as after a restart: the next turn asks anew.
   */
  move(dispatcher: Dispatcher | null): void {
    this.#places.move(dispatcher)
    this.#changed()
  }

  /** Ends a runner, wherever it runs. */
  stop(id: string, signal: AbortSignal): Promise<void> {
    return this.#places.stop(id, signal)
  }

  /** What it runs. Asked anew when something of it began or ended since, and after a while in any case. */
  async running(signal: AbortSignal): Promise<TimedRunningList | null> {
    const now = this.#deps.clock.monotonic()
    if (this.#listed && now - this.#listed.at < listLife) return this.#listed.list
    const changes = this.#changes
    const askedAt = this.#now
    const told = await this.#places.running(signal)
    const list = told ? { ...told, askedAt } : null
    if (list && changes === this.#changes) this.#listed = { at: now, list }
    return list
  }

  #changed(): void {
    this.#changes++
    this.#listed = null
  }

  /** `place` is where it was intended to be sent. */
  add(order: Order, place: Place | null = this.place): void {
    const call = this.#carryOut(order, place)
      .catch((error) =>
        order.log.error({ err: error, dispatch: order.dispatch.id }, 'a dispatch could not be recorded'),
      )
      .finally(() => this.#open.delete(call))
    this.#open.add(call)
  }

  /** No new call; those under way may finish within a few seconds. With `on_shutdown: wait` every call may, however long it takes. */
  async close(): Promise<void> {
    this.#stopping.abort()
    await this.#openCallsEnd(this.#settings.onShutdown === 'wait' ? null : Math.min(closeGrace, this.#settings.timeout))
    this.#closing.abort()
    await this.#openCallsEnd(1_000)
    await this.#places.close()
  }

  /** Waits for them, at most so many milliseconds; a timer that is left would keep the process from ending. */
  async #openCallsEnd(patience: number | null): Promise<void> {
    const all = Promise.allSettled([...this.#open])
    if (patience === null) return void (await all)
    const waiting = new AbortController()
    await Promise.race([all, this.#deps.clock.sleep(patience, waiting.signal)])
    waiting.abort()
  }

  /** Dispatches whose call has outlived its timeout: at a shutdown their runners may end with it, so they are named. */
  get oldCalls(): readonly string[] {
    return [...this.#old]
  }

  async #carryOut(order: Order, place: Place | null): Promise<void> {
    const { instance } = order.dispatch
    const ahead = this.#ahead.get(instance) ?? new Slots(this.#settings.launchConcurrency)
    this.#ahead.set(instance, ahead)
    const begun = await ahead.take()
    try {
      if (!this.#isThere(place)) return void (await this.#giveBack(order))
      const request = this.#stopped ? null : await this.#prepared(order)
      if (request !== null) await this.#ask(order, place, request, begun)
    } finally {
      begun()
    }
  }

  #isThere(place: Place | null): place is Place {
    return place !== null && place === this.place
  }

  /** It was intended for a place that was left meanwhile. */
  async #giveBack(order: Order): Promise<null> {
    if (!this.#stopped) await this.#settle(order, { kind: 'unsent', at: this.#now }, { epoch: order.epoch })
    return null
  }

  async #prepared(order: Order): Promise<LaunchRequest | null> {
    try {
      return await order.prepare(this.#closing.signal)
    } catch (error) {
      if (this.#stopped) return null
      const retryAt = error instanceof ForgeError ? error.retryAt : null
      const reason = `no credential: ${message(error)}`
      await this.#settle(order, { kind: 'refused', at: this.#now, reason, retryAt }, { epoch: order.epoch })
      return null
    }
  }

  /** Asks, and asks again after 1, 2, 4 … s while the outcome is unknown, where the dispatcher starts nothing twice. */
  async #ask(order: Order, place: Place, request: LaunchRequest, begun: () => void): Promise<void> {
    this.#places.began(place)
    try {
      await this.#askUntilKnown(order, place, request, begun)
    } finally {
      this.#places.done(place)
    }
  }

  async #askUntilKnown(order: Order, place: Place, request: LaunchRequest, begun: () => void): Promise<void> {
    const giveUpAt = this.#now + order.dispatch.bootTimeout
    let doubted = false
    for (let pause = 1_000; ; pause *= 2) {
      const grownUp = await this.#young.take()
      begun()
      if (!doubted && !this.#isThere(place)) {
        grownUp()
        return void (await this.#giveBack(order))
      }
      const told = await this.#askIfWanted(order, place, request, grownUp).finally(grownUp)
      // A repeat that is refused says nothing of the first try, whose runner may be at work.
      const outcome: Outcome | null = doubted && told?.kind === 'refused' ? { ...told, kind: 'unknown' } : told
      // Given up at a shutdown: a row that is `sent` stays so, and the next start takes it for unknown.
      if (outcome === null) return
      doubted ||= outcome.kind === 'unknown'
      const mayAsk = place.dispatcher.traits.askAgain && this.#now + pause < giveUpAt && !this.#stopped
      await this.#settle(order, outcome, { place })
      if (outcome.kind !== 'unknown' || !mayAsk) return
      await this.#deps.clock.sleep(pause, this.#closing.signal)
    }
  }

  async #askIfWanted(order: Order, place: Place, request: LaunchRequest, grownUp: () => void): Promise<Outcome | null> {
    if (this.#stopped) return null
    const sent = await this.#settle(order, { kind: 'sent', at: this.#now })
    // Freed while it waited (released, or proven absent), or taken up by another process: a runner started now is one that nobody counts.
    if (sent === null || sent.goneAt !== null || this.#stopped) return null
    return this.#askOnce(order, place, request, grownUp)
  }

  async #askOnce(order: Order, place: Place, request: LaunchRequest, grownUp: () => void): Promise<Outcome | null> {
    const { id } = order.dispatch
    const onLate = () => {
      this.#outcomes.late(order)
      grownUp()
      this.#old.add(id)
    }
    const { clock } = this.#deps
    const { timeout } = this.#settings
    const outcome = await launchOnce(place, request, { clock, timeout, signal: this.#closing.signal, onLate })
    this.#old.delete(id)
    return outcome
  }

  /** `epoch` is given for what only the holder of the lease may say, before anything was sent; what has become of a start is so for everybody. */
  async #settle(order: Order, outcome: Outcome, { place, epoch }: { place?: Place; epoch?: number } = {}) {
    this.#changed()
    const settled = await this.#outcomes.settle(order, outcome, epoch)
    if (place && settled && provesBlocking(settled, outcome)) place.blocking = true
    return settled
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  get #now(): number {
    return this.#deps.clock.now()
  }
}
