import {
  type CadenceSettings,
  fitMode,
  lookBegan,
  lookEnded,
  nextLookAt,
  nextMode,
  setBack,
  trustsWebhooks,
} from '../core/cadence.ts'
import { eventAbout } from '../core/event.ts'
import type { Facts } from '../core/facts.ts'
import { type Job, jobKey } from '../core/job.ts'
import { jobSpans } from '../core/job-spans.ts'
import type { Look } from '../core/look.ts'
import { nextLossAt } from '../core/lost.ts'
import type { Mode } from '../core/mode.ts'
import { owedLooks } from '../core/owed.ts'
import { type Plan, verdictBeyond } from '../core/plan.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Capabilities, HookState } from '../forges/forge.ts'
import { LeaseLost } from '../store/store.ts'
import { Bell } from './bell.ts'
import { rulesOf, startState, type TurnDeps, type TurnState } from './deps.ts'
import { gauge, gaugeMode } from './gauges.ts'
import { Lease, type LeaseSettings } from './lease.ts'
import { Looks } from './looks.ts'
import { listRunning, type Observation } from './observe.ts'
import { retarget } from './retarget.ts'
import { type TurnResult, turn } from './turn.ts'

/** The pause after a turn that failed (the store, mostly), and before a shared limit is tried again. */
const pause = 2_000

export interface WorkerSettings extends CadenceSettings, LeaseSettings {}

/** One instance at work: a lease, a bell or the clock, a turn. Looks go on beside the turns, so that a forge that hangs holds up no delivery. */
export class Worker {
  readonly #deps: TurnDeps
  readonly #settings: WorkerSettings
  readonly #bell = new Bell()
  readonly #ending = new AbortController()
  #state: TurnState
  #verdicts: ReadonlyMap<string, Verdict> = new Map()
  #lastFacts: Pick<Facts, 'beyond' | 'paused'> = { beyond: new Map(), paused: false }
  readonly #looks: Looks
  readonly #lease: Lease
  /** Repositories with jobs that are not over, as of the last turn. */
  #openRepositories: readonly string[] = []
  #lookDue = 0
  #told = JSON.stringify([[], 0])
  #nextLookAt: number | null = null
  #running: Promise<void> = Promise.resolve()
  /** The webhook as it was last made sure of; set by `hook.ts`. */
  hook: HookState | null = null
  /** Rung when a webhook got lost: ours may be gone. */
  readonly hookDoubted = new Bell()

  constructor(deps: TurnDeps, settings: WorkerSettings) {
    this.#deps = deps
    this.#settings = settings
    this.#looks = new Looks(deps, () => this.#bell.ring())
    this.#lease = new Lease(deps, settings)
    this.#state = startState(0, settings, deps.clock.now())
  }

  get mode(): Mode {
    return this.#state.cadence.mode
  }

  get capabilities(): Capabilities | null {
    return this.#looks.capabilities
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

  /** Why an open job has, or has not, a runner, as of the last turn; null when that turn did not know of it. */
  verdict(job: Job): Verdict | null {
    return this.#verdicts.get(jobKey(job)) ?? verdictBeyond(job, this.#lastFacts)
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

  start(): void {
    gaugeMode(this.#deps, this.mode)
    this.#nextLookAt = this.#deps.clock.now()
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
      const { renewal } = this.#lease
      if (await this.#bell.wait(this.#deps.clock, Math.min(left, renewal))) return
      if (left <= renewal || this.#ending.signal.aborted) return
      if ((await this.#guarded(() => this.#lease.epoch())) !== this.#state.epoch) return
    }
  }

  /** What this one decided is not known to hold any more. */
  #standBy(): number {
    this.#verdicts = new Map()
    return this.#lease.patience
  }

  /** Begins as at a start: what other processes did meanwhile is recorded, what this one remembers is as old as its last turn. */
  async #takeOver(epoch: number): Promise<void> {
    await retarget(this.#deps, epoch)
    const now = this.#deps.clock.now()
    this.#state = startState(epoch, this.#settings, now)
    this.#nextLookAt = now
    gaugeMode(this.#deps, this.mode)
  }

  /** One turn, and how long nothing is to be done after it. */
  async #step(): Promise<number> {
    const { clock, metrics, instance } = this.#deps
    const epoch = await this.#lease.epoch()
    if (epoch === null) return this.#standBy()
    if (epoch !== this.#state.epoch) await this.#takeOver(epoch)
    this.#state = { ...this.#state, cadence: setBack(this.#state.cadence, clock.now()) }
    if (this.#nextLookAt !== null && clock.now() >= this.#nextLookAt) this.#beginLook()
    const began = clock.monotonic()
    const result = await this.#turn()
    metrics.turn.observe({ instance }, (clock.monotonic() - began) / 1_000)
    this.#conclude(result)
    return this.#waitAfter(result)
  }

  /** A turn that fails has used up nothing: the look that it was given is there for the next one. */
  async #turn(): Promise<TurnResult> {
    const state = this.#state
    const seen = this.#looks.take()
    try {
      // What the look brings changes the state that the turn is given.
      const look = await this.#lookOf(seen)
      return await turn(this.#deps, this.#state, look)
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
    const trusted = trustsWebhooks(cadence, now) && !this.#lookIsAsked()
    this.#state = { ...this.#state, cadence: lookBegan(cadence, now) }
    this.#nextLookAt = null
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
    const ended = lookEnded(this.#state.cadence, seen.result, clock.now())
    const { capabilities } = seen
    const cadence = capabilities ? fitMode(ended, this.#settings, capabilities.jobs || !capabilities.runners) : ended
    if (cadence.mode !== ended.mode && cadence.mode === 'webhook_only')
      log.warn('this forge has no job list: only webhooks tell of jobs, and one that gets lost is not found again')
    this.#state = {
      ...this.#state,
      cadence,
      jobsListed: seen.jobsListed ?? this.#state.jobsListed,
      looked: true,
      firstRecoveredAt: this.#looks.firstRecoveredAt,
    }
    return { ...seen.look, running: new Map([...seen.look.running, ...running]) }
  }

  #conclude(result: TurnResult): void {
    const { clock, log, metrics, instance } = this.#deps
    const now = clock.now()
    const before = this.mode
    const cadence = nextMode(this.#state.cadence, result.lost, result.facts.signals, now)
    this.#state = { ...this.#state, cadence, runnersSeenAt: result.runnersSeenAt }
    this.#verdicts = result.verdicts
    this.#lastFacts = { beyond: result.facts.beyond, paused: result.facts.paused }
    if (result.lost > 0) {
      metrics.webhooksLost.inc({ instance }, result.lost)
      log.warn({ lost: result.lost }, 'jobs were found of which a webhook got lost')
      this.hookDoubted.ring()
    }
    if (before !== this.mode) this.#tellMode(before, now)
    gauge(this.#deps, result)
    for (const job of result.started) this.#trace(job, result.facts)
    const { dispatched, plan } = result
    if (this.#deps.dryRun) this.#tellWishes(plan)
    else if (dispatched > 0 || plan.stops.length > 0) log.info({ dispatched, stops: plan.stops.length }, 'turn')
    this.#openRepositories = openRepositories(result.facts.jobs)
    this.#nextLookAt = this.#looks.underWay ? null : this.#lookAfter(result, now)
  }

  #trace(job: Job, { dispatches }: Facts): void {
    const way = jobSpans(job, dispatches)
    if (way) this.#deps.traces.tell(`${job.instance}/${jobKey(job)}`, way)
  }

  /** What `dry_run` does instead: one line, and none while it would be the same again. */
  #tellWishes({ wanted, stops }: Plan): void {
    const wishes = wanted.map(({ target, job }) => ({ target, job: job && jobKey(job) }))
    const told = JSON.stringify([wishes, stops.length])
    if (told === this.#told) return
    this.#told = told
    this.#deps.log.info({ wanted: wishes, stops: stops.length }, 'dry run: this is what a turn would do')
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

  #tellMode(before: Mode, at: number): void {
    const { log, store, instance } = this.#deps
    log.info({ from: before, to: this.mode }, 'mode changed')
    gaugeMode(this.#deps, this.mode)
    const event = eventAbout('mode_changed', { at, instance }, { from: before, to: this.mode })
    void this.#guarded(() => store.append([event]))
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

/** Where jobs wait or run, or are perhaps to run again. */
function openRepositories(jobs: readonly Job[]): string[] {
  const open = jobs.filter(({ state, requeuedAt }) => state !== 'finished' || requeuedAt !== null)
  return [...new Set(open.flatMap(({ repository }) => repository ?? []))]
}
