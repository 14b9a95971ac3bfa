import type { Target } from '../../../src/core/target.ts'
import type { SimulatedJob } from '../../../src/simulation/state.ts'
import type { Agenda } from './agenda.ts'
import type { Request } from './depot.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Told } from './told.ts'
import type { Town, TownRunner } from './town.ts'

export interface OracleWorld {
  town: Town
  agenda: Agenda
  setting: Setting
  told: Told
  reached: Reached
}

const second = 1_000
const minute = 60 * second
/** How long a runner counts as on its way for a job that it could take (product 2.9). */
const believed = 60 * second
/** Of every target. */
const bootTimeout = 2 * minute

/** After 0, 1, 3, 7, 15, 31 s, and as many again that were under way. */
const mostRefusals = 12

/**
 * What must hold at every moment, judged by the simulated world alone: the forge, the runners, the requests that arrived, and what the
 * world has told the service. Each exemption names the sentence of the product's contract that allows it.
 */
export class Oracle {
  readonly violations: string[] = []
  /** The targets in force, and since when. */
  targets: readonly Target[]
  /** Largest `max` that was in force of late: what was intended before a reload may still arrive. */
  readonly #largest = new Map<string, number>()
  #retargetedAt = 0
  pausedAt: number | null = null
  strangers = false
  /** A cancelled or re-run job bears the same id in its next attempt: a late delivery of one may speak of the other. */
  mixed = false
  /** The wall clock of a process was moved by so much at most, milliseconds. */
  moved = 0
  readonly #world: OracleWorld
  readonly #requests: Request[] = []

  constructor(world: OracleWorld) {
    this.#world = world
    this.targets = world.setting.targets
    this.retarget(world.setting.targets)
  }

  readonly violation = (what: string): void => {
    this.#world.town.tell?.(`VIOLATION ${what}`)
    this.violations.push(what)
  }

  get isGood(): boolean {
    return this.violations.length === 0
  }

  retarget(targets: readonly Target[]): void {
    const before = this.targets
    this.targets = targets
    this.#retargetedAt = this.#world.agenda.now
    for (const { name, max } of targets) {
      const known = before.find((target) => target.name === name)?.max ?? max
      this.#largest.set(name, Math.max(max, known))
    }
  }

  /** Each request for a runner as it arrives, before anything comes of it. */
  readonly judge = (request: Request): void => {
    const { town } = this.#world
    town.tell?.(`asked ${request.id} ${request.target} for ${request.job ?? 'min_idle'}`)
    const target = this.targets.find(({ name }) => name === request.target)
    if (target) {
      this.#neverAboveMax(target)
      this.#noMoreThanWanted(request, target)
    }
    const job = request.job === null ? undefined : town.forge.ground.jobs.get(Number(request.job))
    if (job) {
      this.#notForWhatIsOver(job)
      this.#notTooMany(request, job)
    }
    this.#notTooOften(request)
    this.#notWhilePaused()
    this.#requests.push(request)
  }

  /** P12: of a job that is over, and was told to be, nobody asks. */
  #notForWhatIsOver(job: SimulatedJob): void {
    const over = this.#world.told.overSince(String(job.id))
    if (job.status !== 'done' || over === null) return
    // That a job is over is asked once more when its start is written down; what then was on its way arrives a little later.
    const late = 5 * second + (this.#world.setting.faults.stop > 0 ? 95 * second : 0)
    if (this.#world.agenda.now > over + late)
      this.violation(`a runner was asked for job ${job.id}, of which a delivery had told that it was over`)
  }

  /**
   * P5, product 2.8: of the runners that could take what this one is asked for, those that are idle or on their way are never more than
   * the jobs that wait for any of them (and `min_idle`, when that asks): each job takes one of them at most, so one would be left.
   */
  #noMoreThanWanted({ id, job, handle }: Request, target: Target): void {
    const { town, told, reached, agenda } = this.#world
    if (this.#isInferred()) return
    const asking = job === null ? null : town.forge.ground.jobs.get(Number(job))
    const needed = asking ? asking.labels : target.offers
    const coming = town.live.filter((runner) => this.#isComing(runner) && this.#serves(runner, needed, handle))
    const offers = [target.offers, ...coming.map(({ labels }) => labels)]
    const fits = (one: Pick<SimulatedJob, 'labels'>) =>
      offers.some((offered) => town.fits(one, [...offered, 'self-hosted']))
    // Its credential is asked for as soon as it is decided; what was known by then counts.
    const decidedAt = (told.credentialAt.get(`muster-${id}`) ?? agenda.now) - this.#hesitation
    const wanted = town.jobs.filter((one) => fits(one) && told.mayHaveWaited(String(one.id), decidedAt))
    // Jobs take what stands at rest before another is asked for; but what one plan asks for arrives in any order.
    const kept = this.targets.filter((one) =>
      offers.some((offered) => one.offers.every((label) => label === 'self-hosted' || offered.includes(label))),
    )
    const floor = kept.reduce((sum, { minIdle }) => sum + minIdle, 0)
    const atRest = asking ? Math.min(floor, coming.filter((runner) => this.#justAskedToRest(runner)).length) : floor
    reached.note(asking ? 'judged: no more than the jobs want' : 'judged: no more than min_idle wants')
    const since = this.#world.agenda.now - bootTimeout - believed
    const unexplained = told.unexplained((labels) => labels.length > 0 && fits({ labels }), since)
    if (coming.length + 1 <= wanted.length + atRest + unexplained) return
    const jobs = wanted.map((one) => one.id)
    this.violation(
      `with ${id} ${coming.length + 1} are idle or booting for ${target.name}, for jobs [${jobs}] and ${atRest} at rest`,
    )
  }

  #justAskedToRest({ dispatch }: TownRunner): boolean {
    const request = this.#requests.find(({ id }) => id === dispatch)
    return request?.job === null && request.at >= this.#world.agenda.now - this.#underWay
  }

  /** It could take what is asked for; one that is bound to an attempt serves that alone. */
  #serves({ labels, handle }: TownRunner, needed: readonly string[], asked: string | null): boolean {
    return (
      (handle === null || handle === asked) &&
      needed.every((label) => label === 'self-hosted' || labels.includes(label))
    )
  }

  #isComing(runner: TownRunner): boolean {
    if (runner.extra || runner.dispatch === null || runner.hangs) return false
    const { told } = this.#world
    const { now } = this.#world.agenda
    // An unknown start covers until its boot_timeout, and no longer is it known to be one (product 3.1, 3.2).
    if (this.#isUnclear(runner)) return false
    if (runner.state === 'booting' || !told.hasShown(runner.name)) {
      if (now - runner.startedAt >= bootTimeout - this.moved) return false
      if (runner.state === 'booting') return true
    }
    return (
      runner.state === 'idle' && runner.registration?.goneAt === null && now - (runner.idleSince ?? 0) < this.#believed
    )
  }

  /** Idle runners are believed from when the look began that saw them (2.9), which a slow forge answers up to half a minute later. */
  get #believed(): number {
    return this.#world.setting.faults.forge > 0 ? believed / 2 : believed
  }

  #isUnclear(runner: TownRunner): boolean {
    return this.#requests.find(({ id }) => id === runner.dispatch)?.unclear ?? false
  }

  /**
   * Which runner is whose was inferred (product 3.4), and may be mistaken: of two that are taken for each other, one end frees two slots.
   * Where names are given or answered, only what nobody could name is inferred.
   */
  #isInferred(): boolean {
    const { setting, town } = this.#world
    const { blocking, traits, tellsName } = setting
    const odd =
      this.strangers || this.#requests.some(({ unclear }) => unclear) || town.runners.some(({ extra }) => extra)
    if (!setting.dialect.namesRunners && odd) return true
    return !traits.names && (blocking || !tellsName || odd)
  }

  /** P6: never more runners live than `max`. */
  #neverAboveMax(target: Target): void {
    const { town, agenda, setting, reached } = this.#world
    if (this.mixed || this.#maxIsInferred()) return
    const max = agenda.now - this.#retargetedAt < 5 * minute ? this.#largest.get(target.name)! : target.max
    const live = town.live.filter(
      (runner) => runner.target === target.name && !runner.extra && !this.#isBeyond(runner, target),
    )
    reached.note('judged: never above max')
    if (live.length + 1 === max) reached.note('max is reached')
    // A runner too many that a dispatcher started of itself may be taken for the one that was asked for (product 3.4); where we name them it is not.
    const surplus = setting.traits.names ? 0 : town.runners.filter(({ extra }) => extra).length
    if (live.length + 1 > max + surplus)
      this.violation(`${live.length + 1} runners of ${target.name} live, and max is ${max}`)
  }

  #maxIsInferred(): boolean {
    return this.#isInferred() && !this.#world.setting.traits.names
  }

  /** The contract lets go of its slot although it lives. */
  #isBeyond(runner: TownRunner, target: Target): boolean {
    const { now } = this.#world.agenda
    // Its job is over, and its process ends with its next report: gone when its tied job finished (3.3).
    if (runner.ending) return true
    // An unknown start that no look after boot_timeout saw is gone (3.3), though it may come later.
    const late = runner.onlineAt === null ? now - runner.startedAt : runner.onlineAt - runner.startedAt
    if (this.#isUnclear(runner) && late >= bootTimeout - this.moved) return true
    // Past its ttl and a minute it is gone unless a list shows it at work (3.3): one that hangs, or never came up, is not shown so.
    const over = now - runner.startedAt >= target.ttl - this.#underWay
    return over && (runner.hangs || runner.onlineAt === null)
  }

  /** P11, product 2.13: a round gets 3 runners, and one more each time its age doubles past its target's ttl. */
  #notTooMany(request: Request, job: SimulatedJob): void {
    const { agenda, setting } = this.#world
    // The same id may be asked for in another round; where that is told, its handle tells.
    if (this.mixed || !setting.traits.names) return
    const since = job.queuedAt ?? job.createdAt
    const asked = this.#requests.filter((one) => {
      const elsewhere = one.runner?.job && one.runner.job.id !== job.id
      return (
        one.job === request.job &&
        one.handle === request.handle &&
        one.at >= since &&
        one.outcome !== 'refused' &&
        !elsewhere &&
        one.runner?.state !== 'dead'
      )
    })
    const age = agenda.now + this.moved - since
    const { ttl } = this.targets.find(({ name }) => name === request.target)!
    const allowance = 3 + (age > ttl ? Math.max(0, Math.floor(Math.log2(age / ttl))) : 0)
    if (asked.length + 1 > allowance + 1)
      this.violation(`job ${job.id} is asked for ${asked.length + 1} times, and may be ${allowance} times`)
  }

  /** Product 3.1: what is refused is asked for again after 1, 2, 4 … 30 s. What is under way meanwhile may be taken by an older job, so one more may come. */
  #notTooOften(request: Request): void {
    const { now } = this.#world.agenda
    const lately = this.#requests.filter(
      (one) =>
        one.job === request.job && one.target === request.target && one.outcome === 'refused' && one.at > now - minute,
    )
    if (lately.length > 0) this.#world.reached.note('judged: what was refused is not asked for too often')
    if (lately.length > mostRefusals)
      this.violation(`${request.job ?? 'min_idle'} is asked for again, refused ${lately.length} times within a minute`)
  }

  /** Product 6: paused, nothing is dispatched; what was sent before it is under way. */
  #notWhilePaused(): void {
    if (this.pausedAt !== null && this.#world.agenda.now > this.pausedAt + this.#underWay)
      this.violation('a runner was asked for while the instance was paused')
  }

  /** How long a decision may take to be carried out: the state answers late or not at all for a while, a process stands still. */
  get #hesitation(): number {
    const { faults } = this.#world.setting
    return 5 * second + (faults.stop > 0 ? 95 * second : 0) + (faults.store > 0 ? 35 * second : 0)
  }

  /** How long something may be under way that was right when it began: a slow forge gives its credential, a stopped process goes on. */
  get #underWay(): number {
    const { faults } = this.#world.setting
    return (
      10 * second +
      (faults.forge > 0 ? 60 * second : 0) +
      (faults.stop > 0 ? 120 * second : 0) +
      (faults.store > 0 ? 30 * second : 0)
    )
  }

  /** What is still amiss once the faults have stopped; empty when everything is served, and nothing runs for nothing. */
  disorder(): string {
    const { town, setting, told } = this.#world
    const { dialect, reconcileInterval, traits } = setting
    // Where the forge has no list, what no webhook told is not known (2.4); without the slow beat (2.2) it is known by chance.
    const unheard = told.anyLost && (!dialect.lists.jobs || reconcileInterval === 0)
    if (unheard || (this.#isInferred() && reconcileInterval === 0)) return ''
    const waiting = town.queued.filter((job) => this.targets.some(({ offers }) => town.fits(job, offers)))
    if (waiting.length > 0) return `the jobs ${waiting.map(({ id }) => id)} were never served`
    const endsSurplus = traits.stops && dialect.lists.runners && reconcileInterval > 0
    return this.#disorderAtRest(endsSurplus)
  }

  /** Surplus can be ended only where two looks can see it idle. */
  #disorderAtRest(endsSurplus: boolean): string {
    const idle = this.#world.town.live.filter(
      ({ state, dispatch, extra }) => state === 'idle' && dispatch !== null && !extra,
    )
    const floor = this.targets.reduce((sum, { minIdle }) => sum + minIdle, 0)
    // The dispatcher's own limit holds over all targets (3.8).
    if (floor > (this.#world.setting.maxParallel ?? floor)) return ''
    for (const { offers, name, minIdle } of this.targets) {
      const standing = idle.filter(({ labels }) =>
        offers.every((label) => label === 'self-hosted' || labels.includes(label)),
      ).length
      if (standing < minIdle) return `of ${name}'s min_idle of ${minIdle} stand ${standing}`
    }
    // A warm runner is replaced by a new one first (3.7).
    return endsSurplus && idle.length > 2 * floor ? `${idle.length} stand idle, and ${floor} are wanted` : ''
  }

  isInOrder(): boolean {
    return this.disorder() === ''
  }

  /** Ten minutes without a fault. Jobs may still come to their end: each delivery that tells of it may bring three looks, and a turn with each. */
  atRest({ turns, looks, told }: { turns: number; looks: number; told: number }): void {
    const { maxParallel, replicas } = this.#world.setting
    if (looks > 45 + 3 * told) this.violation(`${looks} looks in ten minutes at rest`)
    // A job that only a shared limit keeps back is tried again each 2 s.
    const most = (maxParallel === null ? 150 : 350) * replicas
    if (turns > most + 8 * told) this.violation(`${turns} turns in ten minutes at rest`)
  }
}
