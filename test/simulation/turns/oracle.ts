import type { Store } from '../../../src/store/store.ts'
import type { Agenda } from './agenda.ts'
import type { Request } from './depot.ts'
import type { Setting } from './setting.ts'
import type { Change, Town, TownJob } from './town.ts'

const second = 1_000

/** Judges by the simulated world alone, never by what the service wrote down of itself (but for the losses that it counts). */
export class Oracle {
  readonly violations: string[] = []
  /** A job's change was not told in time: what the service infers from then on may rightly be wrong. */
  blind = false
  /** A delivery never came: where nothing lists jobs, nobody can know of its job. */
  lost = false
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

  changed({ job, state, runner }: Change): void {
    if (state !== 'running') return
    const asked = this.#town.runners.find(({ name }) => name === runner)
    if (!asked?.dispatch || this.#setting.namesRunners === false) this.blind = true
    void job
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
    this.#noMoreThanWanted(id)
  }

  /** One demand, one runner: what is idle or on its way is never more than what waits. */
  #noMoreThanWanted(id: string): void {
    if (this.blind) return
    const { targets } = this.#setting
    const coming = this.#town.live.filter(
      ({ state, startedAt, target, extra }) =>
        !extra &&
        targets.some(({ name, bootTimeout }) => name === target && this.#agenda.now - startedAt < bootTimeout) &&
        (state === 'booting' || state === 'idle'),
    )
    const wanted = [...this.#town.jobs.values()].filter(
      ({ labels, state, history }) =>
        targets.some(({ offers }) => labels.every((label) => offers.includes(label))) &&
        // What it was told a moment ago it may not have known yet.
        (state === 'queued' || this.#agenda.now - history.at(-1)!.at < second),
    )
    const floor = targets.reduce((sum, { minIdle }) => sum + minIdle, 0)
    if (coming.length > wanted.length + floor) {
      this.violation(`with ${id} ${coming.length} are idle or booting, for ${wanted.length} jobs and ${floor} at rest`)
    }
  }

  #neverAboveMax(): void {
    // Runners that nobody names are told apart by inference: of two that were mistaken for each other, one end frees two slots.
    const { blocking, traits, tellsName } = this.#setting
    if (blocking || (!traits.names && !tellsName)) return
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
    const unknowable = this.lost && !this.#setting.lists.jobs
    const waiting = unknowable
      ? []
      : this.#town.queued.filter((job) => targets.some(({ offers }) => job.labels.every((l) => offers.includes(l))))
    if (waiting.length > 0) return `the jobs ${waiting.map(({ id }) => id)} were never served`
    const idle = this.#town.live.filter(({ state, dispatch, extra }) => state === 'idle' && dispatch !== null && !extra)
    const floor = targets.reduce((sum, { minIdle }) => sum + minIdle, 0)
    // What died unseen stands for ever where no look is owed.
    if (this.strangers && reconcileInterval === 0) return ''
    for (const { name, minIdle } of targets) {
      const standing = idle.filter(({ target }) => target === name).length
      if (standing < minIdle && targets.length < 3) return `of ${name}'s min_idle of ${minIdle} stand ${standing}`
    }
    if (idle.length < Math.max(0, ...targets.map(({ minIdle }) => minIdle))) return `only ${idle.length} stand idle`
    // Two looks must see a runner idle before it is ended: without a list none can, and without the slow beat none is owed.
    if (traits.stops && lists.runners && reconcileInterval > 0 && idle.length > floor)
      return `${idle.length} stand idle, and ${floor} are wanted`
    return ''
  }

  isInOrder(): boolean {
    return this.disorder() === ''
  }

  /** Ten minutes without a fault or a change. */
  atRest({ turns, looks }: { turns: number; looks: number }): void {
    if (looks > 45) this.violation(`${looks} looks in ten minutes at rest`)
    // A job that only a shared limit keeps back is tried again each 2 s.
    const most = this.#setting.maxParallel === null ? 150 : 350
    if (turns > most) this.violation(`${turns} turns in ten minutes at rest`)
  }

  async lossesCountedOnce(store: Store): Promise<void> {
    const { items } = await store.events({ limit: 500 })
    const lost = items.filter(({ type }) => type === 'webhook_lost').map(({ job }) => `${job?.id}/${job?.round}`)
    if (new Set(lost).size < lost.length) this.violation(`a loss was counted twice: ${lost}`)
  }
}
