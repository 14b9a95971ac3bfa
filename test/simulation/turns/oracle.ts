import type { Store } from '../../../src/store/store.ts'
import type { Agenda } from './agenda.ts'
import type { Request } from './depot.ts'
import type { Setting } from './setting.ts'
import type { Change, Town, TownJob } from './town.ts'

const second = 1_000

/** Judges by the simulated world alone, never by what the service wrote down of itself (but for the losses that it counts). */
export class Oracle {
  readonly violations: string[] = []
  /** Something was not told in time, or not at all: what the service infers from then on may rightly be wrong. */
  blind = false
  /** A late delivery of one attempt may speak of the next, which bears the same id. */
  mixed = false
  /** Runners came that nobody asked for, and may have gone unseen. */
  strangers = false
  readonly #town: Town
  readonly #agenda: Agenda
  readonly #setting: Setting
  readonly #tell: (what: string) => void
  readonly #toldDone = new Map<string, number>()
  #requests: readonly Request[] = []
  #judged = 0

  constructor(town: Town, agenda: Agenda, setting: Setting, tell: (what: string) => void) {
    this.#town = town
    this.#agenda = agenda
    this.#setting = setting
    this.#tell = tell
  }

  readonly violation = (what: string): void => {
    this.#tell(`VIOLATION ${what}`)
    this.violations.push(what)
  }

  watchRequests(requests: readonly Request[]): void {
    this.#requests = requests
  }

  changed({ state, runner }: Change): void {
    if (state !== 'running') return
    const taker = this.#town.runners.find(({ name }) => name === runner)
    if (!this.#setting.namesRunners || (taker?.dispatch === null && !this.#setting.traits.names)) this.blind = true
  }

  toldDone(job: TownJob): void {
    this.#toldDone.set(job.id, job.attempt)
  }

  /** After every moment. */
  readonly watch = (): void => {
    for (; this.#judged < this.#requests.length; this.#judged++) this.#judge(this.#requests[this.#judged]!)
    this.#neverAboveMax()
  }

  #judge(request: Request): void {
    const { id, job: jobId, target, outcome, runner } = request
    this.#tell(`asked ${id} ${target} for ${jobId ?? 'min_idle'}: ${outcome} ${runner?.name ?? ''}`)
    const job = jobId === null ? undefined : this.#town.jobs.get(jobId)
    if (job && !this.#setting.lists.jobs) return
    if (job?.state === 'done' && this.#toldDone.get(job.id) === job.attempt) {
      this.violation(`a runner was asked for job ${jobId}, of which a delivery had told that it was over`)
    }
    this.#noMoreThanWanted(request)
  }

  /** One demand, one runner: of each target, what is idle or on its way is never more than what waits. */
  #noMoreThanWanted({ id, target: name }: Request): void {
    const { targets } = this.#setting
    const target = targets.find((one) => one.name === name)
    // Where one target's runners take another's jobs, what is left may fit nothing that waits.
    if (!target || this.blind || this.#isInferred() || targets.length > 2) return
    const unclear = new Set(this.#requests.flatMap((request) => (request.unclear ? [request.id] : [])))
    const coming = this.#town.live.filter(
      (runner) =>
        !runner.extra &&
        !unclear.has(runner.dispatch ?? '') &&
        runner.target === name &&
        this.#agenda.now - runner.startedAt < target.bootTimeout &&
        (runner.state === 'booting' || runner.state === 'idle'),
    )
    const wanted = [...this.#town.jobs.values()].filter(
      ({ labels, state, history }) =>
        offersAll(target, labels) &&
        // What began while a credential was asked for, or just now, was not known yet.
        (state === 'queued' || this.#agenda.now - history.at(-1)!.at < 10 * second),
    )
    if (coming.length > wanted.length + target.minIdle) {
      this.violation(
        `with ${id} ${coming.length} are idle or booting, for ${wanted.length} jobs and ${target.minIdle} at rest`,
      )
    }
  }

  /** Which runner is whose was inferred, and may be mistaken: of two that are taken for each other, one end frees two slots. */
  #isInferred(): boolean {
    const { blocking, traits, tellsName } = this.#setting
    if (traits.names) return false
    const unclear = this.#requests.some((request) => request.unclear) || this.#town.runners.some(({ extra }) => extra)
    return blocking || !tellsName || unclear || this.strangers
  }

  /** An idle runner may have gone unseen. */
  #isUnsure(): boolean {
    return this.blind || this.strangers || this.#isInferred()
  }

  #neverAboveMax(): void {
    if (this.mixed || this.#isInferred()) return
    const surplus = this.#town.runners.filter(({ extra }) => extra).length
    for (const { name, max, bootTimeout } of this.#setting.targets) {
      const live = this.#town.live.filter(
        ({ target, extra, state, startedAt }) =>
          target === name && !extra && !(state === 'booting' && this.#agenda.now - startedAt >= bootTimeout),
      )
      // A runner too many that it started of itself may be taken for the one that was asked for.
      if (live.length > max + surplus) this.violation(`${live.length} runners of ${name} live, and max is ${max}`)
    }
  }

  /** What is still amiss once the faults have stopped; empty when everything is served, and nothing runs for nothing. */
  disorder(): string {
    const { targets, traits, lists, reconcileInterval } = this.#setting
    // What was never told is known from looks alone: without a list, or without the slow beat, it may stay unknown.
    if ((this.blind && !lists.jobs) || (this.#isUnsure() && reconcileInterval === 0)) return ''
    const waiting = this.#town.queued.filter(({ labels }) => targets.some((target) => offersAll(target, labels)))
    if (waiting.length > 0) return `the jobs ${waiting.map(({ id }) => id)} were never served`
    return this.#disorderAtRest(targets, traits.stops && lists.runners && reconcileInterval > 0)
  }

  /** Surplus can be ended only where two looks can see it idle. */
  #disorderAtRest(targets: Setting['targets'], endsSurplus: boolean): string {
    const idle = this.#town.live.filter(({ state, dispatch, extra }) => state === 'idle' && dispatch !== null && !extra)
    for (const { offers, name, minIdle } of targets) {
      const standing = idle.filter(({ labels }) => offers.every((label) => labels.includes(label))).length
      if (standing < minIdle) return `of ${name}'s min_idle of ${minIdle} stand ${standing}`
    }
    const floor = targets.reduce((sum, { minIdle }) => sum + minIdle, 0)
    // A warm runner is replaced by a new one first.
    return endsSurplus && idle.length > 2 * floor ? `${idle.length} stand idle, and ${floor} are wanted` : ''
  }

  isInOrder(): boolean {
    return this.disorder() === ''
  }

  /** Ten minutes without a fault. Jobs may still come to their end: each delivery that tells of it may bring three looks, and a turn with each. */
  atRest({ turns, looks, told }: { turns: number; looks: number; told: number }): void {
    if (looks > 45 + 3 * told) this.violation(`${looks} looks in ten minutes at rest`)
    // A job that only a shared limit keeps back is tried again each 2 s.
    const most = this.#setting.maxParallel === null ? 150 : 350
    if (turns > most + 8 * told) this.violation(`${turns} turns in ten minutes at rest`)
  }

  async lossesCountedOnce(store: Store): Promise<void> {
    const { items } = await store.events({ limit: 500 })
    const lost = items.filter(({ type }) => type === 'webhook_lost').map(({ job }) => `${job?.id}/${job?.round}`)
    if (new Set(lost).size < lost.length) this.violation(`a loss was counted twice: ${lost}`)
  }
}

function offersAll({ offers }: Setting['targets'][number], labels: readonly string[]): boolean {
  return labels.every((label) => offers.includes(label))
}
