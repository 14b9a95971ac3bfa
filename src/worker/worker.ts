import { lookBegan, nextLookAt, nextMode, setBack, spacing, trustsWebhooks, underSettings } from '../core/cadence.ts'
import type { LabelRules } from '../core/labels.ts'
import type { Look } from '../core/look.ts'
import { nextLossAt } from '../core/lost.ts'
import type { Mode } from '../core/mode.ts'
import { owedLooks } from '../core/owed.ts'
import type { Capabilities, HookState } from '../forges/forge.ts'
import { LeaseLost } from '../store/store.ts'
import { Bell } from './bell.ts'
import { afterLook, rulesOf, startState, type TurnDeps, type TurnState } from './deps.ts'
import { gaugeMode, gaugeNothing } from './gauges.ts'
import { Lease } from './lease.ts'
import { LookTrail } from './look-trail.ts'
import { Looks, openRepositories } from './looks.ts'
import { listRunning, type Observation } from './observe.ts'
import { retarget } from './retarget.ts'
import type { Reconfiguration, WorkerSettings } from './settings.ts'
import { Telling, tellMode } from './telling.ts'
import { type TurnResult, turn } from './turn.ts'

/** The pause after a turn that failed (the store, mostly), and before a shared limit is tried again. */
const pause = 2_000

/** One instance at work: a lease, a bell or the clock, a turn. Looks go on beside the turns, so that a forge that hangs holds up no delivery. */
export class Worker {
  #deps: TurnDeps
  #settings: WorkerSettings
  #change: Reconfiguration | null = null
  readonly #bell = new Bell()
  readonly #ending = new AbortController()
  #state: TurnState
  #looks: Looks
  readonly #lease: Lease
  /** The targets of open jobs are to be found again. */
  #retargetOwed = false
  /** Repositories with jobs that are not over, as of the last turn. */
  #openRepositories: readonly string[] = []
  #lookDue = 0
  readonly #telling = new Telling()
  readonly #lookTrail = new LookTrail()
  #nextLookAt: number | null = null
  #running: Promise<void> = Promise.resolve()
  /** The webhook as it was last made sure of; set by `hook.ts`. */
  hook: HookState | null = null
  /** Rung when this process begins to work the instance, and when a webhook got lost: ours may be gone. */
  readonly hookDoubted = new Bell()

  constructor(deps: TurnDeps, settings: WorkerSettings) {
    this.#deps = deps
    this.#settings = settings
    this.#looks = this.#newLooks(deps)
    this.#lease = new Lease(deps, settings)
    this.#state = startState(0, settings, deps.clock.now())
  }

  /** This process works the instance, and no other does. */
  get leads(): boolean {
    return this.#lease.isHeld
  }

  get mode(): Mode {
    return this.#state.cadence.mode
  }

  get capabilities(): Capabilities | null {
    return this.#looks.capabilities
  }

  /** How its forge compares labels. */
  get labels(): LabelRules {
    return this.#deps.forge.labels
  }

  get lastLook() {
    return this.#looks.last
  }

  get lookFailingSince(): number | null {
    return this.#looks.failingSince
  }

  /** Epoch milliseconds; null when no look is to come by itself. */
  get nextLookAt(): number | null {
    return this.#nextLookAt
  }

  ring(): void {
    this.#bell.ring()
  }

  /** Look now, whatever the cadence says. */
  lookNow(): void {
    this.#lookDue = this.#deps.clock.now()
    this.#nextLookAt = this.#lookDue
    this.#bell.ring()
  }

  /** Works by another configuration from its next turn on; what was learned of the forge is kept. */
  reconfigure({ changed, anew, ...next }: Reconfiguration): void {
    const before = this.#change
    this.#change = { ...next, changed: changed || before?.changed === true, anew: anew || before?.anew === true }
    this.#bell.ring()
  }

  start(): void {
    gaugeMode(this.#deps, this.mode)
    this.#running = this.#run()
  }

  /** Ends after the turn under way. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#bell.ring()
    await this.#running
    await this.#looks.settled()
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const wait = await this.#guarded(() => this.#step())
      if (this.#ending.signal.aborted) return
      await this.#rest(wait ?? pause)
    }
  }

  /** Waits for the bell or for `ms`, and renews the lease meanwhile. */
  async #rest(ms: number): Promise<void> {
    // Not by the clock of the wall, which may be set back.
    const until = this.#deps.clock.monotonic() + ms
    for (;;) {
      const left = until - this.#deps.clock.monotonic()
      if (await this.#bell.wait(this.#deps.clock, Math.min(left, this.#lease.renewal))) return
      if (left <= this.#lease.renewal || this.#ending.signal.aborted) return
      if ((await this.#guarded(() => this.#lease.epoch())) !== this.#state.epoch) return
    }
  }

  /** What this one decided is not known to hold any more. */
  #standBy(): number {
    gaugeNothing(this.#deps)
    return this.#lease.patience
  }

  /** Begins as at a start: what other processes did meanwhile is recorded, what this one remembers is as old as its last turn. */
  #takeOver(epoch: number): void {
    this.#retargetOwed = true
    this.#state = startState(epoch, this.#settings, this.#deps.clock.now())
    this.#nextLookAt = this.#deps.clock.now()
    gaugeMode(this.#deps, this.mode)
    this.hookDoubted.ring()
  }

  /** One turn, and how long nothing is to be done after it. */
  async #step(): Promise<number> {
    this.#takeUp()
    const { clock, metrics, instance } = this.#deps
    const epoch = await this.#lease.epoch()
    if (epoch === null) return this.#standBy()
    if (epoch !== this.#state.epoch) this.#takeOver(epoch)
    if (this.#retargetOwed) await retarget(this.#deps, epoch)
    this.#retargetOwed = false
    this.#state = { ...this.#state, cadence: setBack(this.#state.cadence, clock.now()) }
    if (this.#nextLookAt !== null && clock.now() >= this.#nextLookAt) this.#beginLook()
    const began = clock.monotonic()
    const { result, seen } = await this.#turn()
    metrics.turn.observe({ instance }, (clock.monotonic() - began) / 1_000)
    this.#conclude(result, seen)
    return this.#waitAfter(result)
  }

  /** One turn, one configuration: a new one is in force from the next turn on. */
  #takeUp(): void {
    if (this.#change === null) return
    const { deps, settings, changed, anew } = this.#change
    this.#change = null
    deps.retiring = this.#deps.retiring
    const before = this.mode
    const now = deps.clock.now()
    if (anew) {
      this.#looks.abandon()
      this.#looks = this.#newLooks(deps)
      this.#state = startState(this.#state.epoch, settings, now)
      this.hook = null
    } else {
      this.#looks.reconfigure(deps)
      this.#state = { ...this.#state, cadence: underSettings(this.#state.cadence, this.#settings, settings) }
    }
    this.#deps = deps
    this.#settings = settings
    this.#tellMode(before)
    if (!changed) return
    this.#retargetOwed = true
    this.#lookDue = Math.max(now, (this.#state.cadence.attemptedAt ?? 0) + spacing)
    this.#nextLookAt = this.#lookDue
  }

  #newLooks(deps: TurnDeps): Looks {
    return new Looks(deps, () => this.#bell.ring())
  }

  /** A turn that fails has used up nothing: the look that it was given is there for the next one. */
  async #turn(): Promise<{ result: TurnResult; seen: Observation | null }> {
    const state = this.#state
    const seen = this.#looks.take()
    try {
      // What the look brings changes the state that the turn is given.
      const look = await this.#lookOf(seen)
      return { result: await turn(this.#deps, this.#state, look), seen }
    } catch (error) {
      this.#looks.giveBack(seen)
      if (seen) this.#state = state
      throw error
    }
  }

  #beginLook(): void {
    if (this.#looks.underWay) return
    const { cadence } = this.#state
    const now = this.#deps.clock.now()
    const isAsked = this.#lookIsAsked()
    const trusted = trustsWebhooks(cadence, now) && !isAsked
    this.#state = { ...this.#state, cadence: lookBegan(cadence, now) }
    this.#nextLookAt = null
    this.#lookTrail.began(this.#deps, isAsked ? 'asked' : cadence.attemptedAt === null ? 'start' : null)
    this.#looks.begin(trusted ? this.#openRepositories : null, this.#ending.signal)
  }

  /** An operator asked for a look, and none has begun since. */
  #lookIsAsked(): boolean {
    return this.#lookDue > (this.#state.cadence.attemptedAt ?? 0)
  }

  /** What the look that has come back saw, or else only what the local dispatchers run. */
  async #lookOf(seen: Observation | null): Promise<Look> {
    const { clock, log } = this.#deps
    const running = await listRunning(this.#deps, 'local', this.#ending.signal)
    if (seen === null) return { beganAt: clock.now(), jobs: null, runners: null, running }
    const before = this.mode
    this.#state = afterLook(
      { ...this.#state, firstRecoveredAt: this.#looks.firstRecoveredAt },
      seen,
      this.#settings,
      clock.now(),
    )
    if (this.mode !== before && this.mode === 'webhook_only')
      log.warn('this forge has no job list: only webhooks tell of jobs, and one that gets lost is not found again')
    return { ...seen.look, running: new Map([...seen.look.running, ...running]) }
  }

  #conclude(result: TurnResult, seen: Observation | null): void {
    const now = this.#deps.clock.now()
    const before = this.mode
    const cadence = nextMode(this.#state.cadence, result.lost, result.facts.signals, now)
    this.#state = { ...this.#state, cadence, runnersSeenAt: result.runnersSeenAt }
    if (result.lost > 0) this.hookDoubted.ring()
    this.#telling.turn(this.#deps, result)
    if (seen) this.#lookTrail.ended(this.#deps, seen, result.news)
    this.#tellMode(before)
    this.#openRepositories = openRepositories(result.facts.jobs)
    this.#nextLookAt = this.#looks.underWay ? null : this.#lookAfter(result, now)
    if (result.facts.dispatches.every(({ goneAt }) => goneAt !== null)) this.#settings.drained?.()
  }

  #lookAfter({ facts, verdicts }: TurnResult, now: number): number | null {
    const { cadence } = this.#state
    if (this.#lookIsAsked()) return this.#lookDue
    const { forge, stoppable } = this.#deps
    const owed = owedLooks(facts, verdicts.values(), { rounds: forge.rounds, stoppable })
    return nextLookAt(cadence, this.#settings, owed, facts.signals, now)
  }

  #waitAfter(result: TurnResult): number {
    const now = this.#deps.clock.now()
    const loss = nextLossAt(result.facts.jobs, now, rulesOf(this.#deps, this.#state, result.facts).loss)
    // A limit that others share may have room again, and nobody rings here when it has.
    const keptBack = !this.#deps.dryRun && result.dispatched < result.plan.wanted.length ? now + pause : null
    const moments = [this.#nextLookAt, result.plan.wakeAt, loss, keptBack].filter((at) => at !== null)
    return Math.max(0, Math.min(...moments, now + 60 * 60_000) - now)
  }

  #tellMode(before: Mode): void {
    if (before !== this.mode) void this.#guarded(() => tellMode(this.#deps, before, this.mode))
  }

  /** A turn that fails is told and tried again; it never ends the worker. */
  async #guarded<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof LeaseLost) this.#deps.log.warn('another process took this instance over; this turn is void')
      else this.#deps.log.error({ err: error }, 'a turn failed; it is tried again')
      return null
    }
  }
}
