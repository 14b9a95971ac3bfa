import type { Clock } from '../clock.ts'
import { shortDelay } from '../core/backoff.ts'
import type { Dispatch } from '../core/dispatch.ts'
import type { TimedRunningList } from '../core/look.ts'
import { type Outcome, provesBlocking } from '../core/outcome.ts'
import type { Dispatcher, DispatcherTraits, Launched, LaunchRequest } from '../dispatchers/dispatcher.ts'
import { DispatchRefused, DispatchUnanswered } from '../dispatchers/errors.ts'
import { ForgeError } from '../forges/errors.ts'
import type { Log } from '../log.ts'
import type { DispatchOutcome, Metrics } from '../metrics.ts'
import type { Store } from '../store/store.ts'
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
  readonly settings: LaneSettings
  readonly #deps: LaneDeps
  readonly #open = new Map<string, Promise<void>>()
  readonly #old = new Set<string>()
  readonly #closing = new AbortController()
  /** Calls that are younger than `timeout`. */
  readonly #young: Slots
  /** By instance, what is being made ready to be sent: a forge that does not give its credentials delays nobody else's. */
  readonly #ahead = new Map<string, Slots>()
  #listed: { at: number; list: TimedRunningList } | null = null
  #changes = 0
  #stopped = false
  #blocking = false

  constructor(settings: LaneSettings, deps: LaneDeps) {
    this.settings = settings
    this.#deps = deps
    this.#young = new Slots(settings.launchConcurrency)
    deps.dispatcher.onEnd?.(() => this.#changed())
  }

  get traits(): DispatcherTraits {
    return this.#deps.dispatcher.traits
  }

  get dispatcher(): Dispatcher {
    return this.#deps.dispatcher
  }

  /** It was seen to answer only when its runner had ended. */
  get blocking(): boolean {
    return this.#blocking
  }

  /** What it runs. Asked anew when something of it began or ended since, and after a while in any case. */
  async running(signal: AbortSignal): Promise<TimedRunningList | null> {
    const now = this.#deps.clock.monotonic()
    if (this.#listed && now - this.#listed.at < listLife) return this.#listed.list
    const changes = this.#changes
    const askedAt = this.#now
    const told = await this.dispatcher.running?.(signal)
    const list = told ? { ...told, askedAt } : null
    if (list && changes === this.#changes) this.#listed = { at: now, list }
    return list
  }

  #changed(): void {
    this.#changes++
    this.#listed = null
  }

  add(order: Order): void {
    const { id } = order.dispatch
    const call = this.#carryOut(order)
      .catch((error) => order.log.error({ err: error, dispatch: id }, 'a dispatch could not be recorded'))
      .finally(() => this.#open.delete(id))
    this.#open.set(id, call)
  }

  /** No new call; those under way may finish within a few seconds. With `on_shutdown: wait` every call may, however long it takes. */
  async close(): Promise<void> {
    this.#stopped = true
    await this.#openCallsEnd(this.settings.onShutdown === 'wait' ? null : Math.min(closeGrace, this.settings.timeout))
    this.#closing.abort()
    await this.#openCallsEnd(1_000)
    await this.dispatcher.close?.()
  }

  /** Waits for them, at most so many milliseconds; a timer that is left would keep the process from ending. */
  async #openCallsEnd(patience: number | null): Promise<void> {
    const all = Promise.allSettled([...this.#open.values()])
    if (patience === null) return void (await all)
    const waiting = new AbortController()
    await Promise.race([all, this.#deps.clock.sleep(patience, waiting.signal)])
    waiting.abort()
  }

  /** Dispatches whose call has outlived its timeout: at a shutdown their runners may end with it, so they are named. */
  get oldCalls(): readonly string[] {
    return [...this.#old]
  }

  async #carryOut(order: Order): Promise<void> {
    const { instance } = order.dispatch
    const ahead = this.#ahead.get(instance) ?? new Slots(this.settings.launchConcurrency)
    this.#ahead.set(instance, ahead)
    const begun = await ahead.take()
    try {
      const request = this.#stopped ? null : await this.#prepared(order)
      if (request !== null) await this.#ask(order, request, begun)
    } finally {
      begun()
    }
  }

  async #prepared(order: Order): Promise<LaunchRequest | null> {
    try {
      return await order.prepare(this.#closing.signal)
    } catch (error) {
      if (this.#stopped) return null
      const retryAt = error instanceof ForgeError ? error.retryAt : null
      const reason = `no credential: ${message(error)}`
      await this.#settle(order, { kind: 'refused', at: this.#now, reason, retryAt }, order.epoch)
      return null
    }
  }

  /** Asks, and asks again after 1, 2, 4 … s while the outcome is unknown, where the dispatcher starts nothing twice. */
  async #ask(order: Order, request: LaunchRequest, begun: () => void): Promise<void> {
    const giveUpAt = this.#now + order.dispatch.bootTimeout
    let doubted = false
    for (let pause = 1_000; ; pause *= 2) {
      const grownUp = await this.#young.take()
      begun()
      const told = await this.#askIfWanted(order, request, grownUp).finally(grownUp)
      // A repeat that is refused says nothing of the first try, whose runner may be at work.
      const outcome: Outcome | null = doubted && told?.kind === 'refused' ? { ...told, kind: 'unknown' } : told
      // Given up at a shutdown: a row that is `sent` stays so, and the next start takes it for unknown.
      if (outcome === null) return
      doubted ||= outcome.kind === 'unknown'
      const again = outcome.kind === 'unknown' && this.traits.askAgain && this.#now + pause < giveUpAt && !this.#stopped
      await this.#settle(order, outcome)
      if (!again) return
      await this.#deps.clock.sleep(pause, this.#closing.signal)
    }
  }

  async #askIfWanted(order: Order, request: LaunchRequest, grownUp: () => void): Promise<Outcome | null> {
    if (this.#stopped) return null
    const at = this.#now
    const sent = await this.#settle(order, { kind: 'sent', at })
    // Freed while it waited (released, or proven absent), or taken up by another process: a runner started now is one that nobody counts.
    if (sent === null || sent.goneAt !== null || this.#stopped) return null
    if (sent.sentAt === at) this.#observeDelay(order, at)
    return this.#askOnce(order, request, grownUp)
  }

  async #askOnce(order: Order, request: LaunchRequest, grownUp: () => void): Promise<Outcome | null> {
    const answer = this.dispatcher.launch(request, this.#closing.signal).then(
      (launched): Launched | Error => launched,
      (error): Error => (error instanceof Error ? error : new Error(String(error))),
    )
    const waiting = new AbortController()
    const late = this.#deps.clock.sleep(this.settings.timeout, waiting.signal).then(() => 'late' as const)
    const first = await Promise.race([answer, late])
    waiting.abort()
    if (first === 'late') {
      this.#count(order, 'sent')
      order.log.warn(
        { dispatch: order.dispatch.id, dispatcher: this.settings.name },
        'no answer yet; the call is kept open',
      )
      grownUp()
      this.#old.add(order.dispatch.id)
    }
    const settled = await answer
    this.#old.delete(order.dispatch.id)
    return this.#outcome(settled, first === 'late')
  }

  #outcome(answer: Launched | Error, late: boolean): Outcome | null {
    const at = this.#now
    // A dispatcher that lists what it runs tells itself when a runner has ended: its late answer is a slow one.
    const outlived = late && !this.traits.lists ? this.settings.timeout : null
    if (!(answer instanceof Error))
      return { kind: 'accepted', at, name: answer.name, outlived, blocking: this.#blocking }
    if (answer instanceof DispatchRefused)
      return { kind: 'refused', at, reason: message(answer), retryAt: answer.retryAt }
    return this.#closing.signal.aborted || answer instanceof DispatchUnanswered
      ? null
      : { kind: 'unknown', at, reason: message(answer) }
  }

  /** `epoch` is given for what only the holder of the lease may say, before anything was sent; what has become of a start is so for everybody. */
  async #settle(order: Order, outcome: Outcome, epoch?: number): Promise<Dispatch | null> {
    const { dispatch, log } = order
    this.#changed()
    const settled = await this.#record(order, outcome, epoch)
    if (settled && provesBlocking(settled, outcome)) this.#blocking = true
    if (outcome.kind === 'sent' || outcome.kind === 'gone') return settled
    this.#count(order, outcome.kind)
    const about = {
      dispatch: dispatch.id,
      dispatcher: this.settings.name,
      target: dispatch.target,
      job: dispatch.job?.id,
    }
    if (outcome.kind === 'accepted') log.info(about, 'a runner was accepted')
    else
      log.warn(
        { ...about, reason: outcome.reason },
        outcome.kind === 'refused' ? 'a runner was refused' : 'a start is unknown',
      )
    return settled
  }

  /** Until it is written. What nobody knows of would keep its job waiting, or its slot taken, until the next start. */
  async #record({ dispatch, log }: Order, outcome: Outcome, epoch?: number): Promise<Dispatch | null> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#deps.store.settle(dispatch.id, outcome, epoch)
      } catch (error) {
        if (this.#closing.signal.aborted || this.#stopped) throw error
        log.error(
          { err: error, dispatch: dispatch.id, outcome: outcome.kind },
          'an outcome could not be recorded; it is tried again',
        )
        await this.#deps.clock.sleep(shortDelay(failures), this.#closing.signal)
      }
    }
  }

  #observeDelay({ dispatch: { instance, target }, announcedAt }: Order, sentAt: number): void {
    if (announcedAt === null) return
    this.#deps.metrics.webhookToDispatch.observe({ instance, target }, Math.max(0, sentAt - announcedAt) / 1_000)
  }

  #count({ dispatch }: Order, outcome: DispatchOutcome): void {
    this.#deps.metrics.dispatches.inc({ instance: dispatch.instance, target: dispatch.target, outcome })
  }

  get #now(): number {
    return this.#deps.clock.now()
  }
}

function message(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 256)
}
