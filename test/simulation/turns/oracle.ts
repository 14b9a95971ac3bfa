import type { Store } from '../../../src/store/store.ts'
import type { Agenda } from './agenda.ts'
import type { Request } from './depot.ts'
import type { Setting } from './setting.ts'
import type { Change, Town, TownJob } from './town.ts'

/** Judges by the simulated world alone, never by what the service wrote down of itself (but for the losses that it counts). */
export class Oracle {
  readonly violations: string[] = []
  /** A job's change was not told in time: what the service infers from then on may rightly be wrong. */
  blind = false
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
    if (jobId === null) return
    const job = this.#town.jobs.get(jobId)!
    if (!this.#setting.lists.jobs) return
    if (job.state === 'done' && this.#toldDone.get(jobId) === job.attempt) {
      this.violation(`a runner was asked for job ${jobId}, of which a delivery had told that it was over`)
    }
    const earlier = this.#requests
      .slice(0, this.#judged)
      .find((one) => one.job === jobId && one.runner?.state === 'booting' && !one.runner.extra)
    const bootTimeout = this.#setting.targets.find(({ name }) => name === target)!.bootTimeout
    if (earlier && request.at - earlier.at < bootTimeout && !this.blind) {
      this.violation(`job ${jobId} was given ${id} while the runner of ${earlier.id} was still booting`)
    }
  }

  #neverAboveMax(): void {
    for (const { name, max, bootTimeout } of this.#setting.targets) {
      const live = this.#town.live.filter(
        ({ target, extra, state, startedAt }) =>
          target === name && !extra && !(state === 'booting' && this.#agenda.now - startedAt >= bootTimeout),
      )
      if (live.length > max) this.violation(`${live.length} runners of ${name} live, and max is ${max}`)
    }
  }

  /** What is still amiss once the faults have stopped; empty when everything is served, and nothing runs for nothing. */
  disorder(): string {
    const { targets, traits } = this.#setting
    const waiting = this.#town.queued.filter((job) => targets.some(({ offers }) => job.labels.every((l) => offers.includes(l))))
    if (waiting.length > 0) return `the jobs ${waiting.map(({ id }) => id)} were never served`
    const idle = this.#town.live.filter(({ state, dispatch, extra }) => state === 'idle' && dispatch !== null && !extra)
    const floor = targets.reduce((sum, { minIdle }) => sum + minIdle, 0)
    for (const { name, minIdle } of targets) {
      const standing = idle.filter(({ target }) => target === name).length
      if (standing < minIdle && targets.length < 3) return `of ${name}'s min_idle of ${minIdle} stand ${standing}`
    }
    if (idle.length < Math.max(0, ...targets.map(({ minIdle }) => minIdle))) return `only ${idle.length} stand idle`
    if (traits.stops && idle.length > floor) return `${idle.length} stand idle, and ${floor} are wanted`
    return ''
  }

  isInOrder(): boolean {
    return this.disorder() === ''
  }

  /** Ten minutes without a fault or a change. */
  atRest({ turns, looks }: { turns: number; looks: number }): void {
    if (looks > 45) this.violation(`${looks} looks in ten minutes at rest`)
    if (turns > 150) this.violation(`${turns} turns in ten minutes at rest`)
  }

  async lossesCountedOnce(store: Store): Promise<void> {
    const { items } = await store.events({ limit: 500 })
    const lost = items.filter(({ type }) => type === 'webhook_lost').map(({ job }) => `${job?.id}/${job?.round}`)
    if (new Set(lost).size < lost.length) this.violation(`a loss was counted twice: ${lost}`)
  }
}
