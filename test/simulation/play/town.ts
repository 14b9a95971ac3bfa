import { comparable } from '../../../src/core/labels.ts'
import type { Scope } from '../../../src/core/scope.ts'
import { createSimulatedForge, type SimulatedForge } from '../../../src/simulation/forge.ts'
import type { SimulatedJob, SimulatedRunner } from '../../../src/simulation/state.ts'
import type { Agenda } from './agenda.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'

/** A runner as it really is: a process somewhere, and what the forge has of it. */
export interface TownRunner {
  name: string
  labels: readonly string[]
  /** The dispatch that it was started for; null for a stranger. */
  dispatch: string | null
  target: string | null
  /** The attempt that it waits for alone. */
  handle: string | null
  /** It ends with its first job. */
  oneJob: boolean
  /** Started beside the one that was asked for: nobody can know of it. */
  extra: boolean
  startedAt: number
  /** Since when it asks for jobs; null before that. */
  onlineAt: number | null
  /** Since when it has waited for a job; null while it does not. */
  idleSince: number | null
  state: 'booting' | 'idle' | 'busy' | 'dead'
  /** It lives and says nothing any more. */
  hangs: boolean
  registration: SimulatedRunner | null
  job: SimulatedJob | null
  /** Its job is over, and it goes with it. */
  ending: boolean
}

const second = 1_000
/** After so long without a report the forge gives a job up; a second later it has. */
const unreported = 601 * second
export const place: Scope = { level: 'repository', owner: 'acme', name: 'widgets' }
export const repository = 'acme/widgets'

/** The simulated world as it really is: the forge of `src/simulation` and the runners at work for it. Nothing in it knows of the service. */
export class Town {
  readonly forge: SimulatedForge
  readonly runners: TownRunner[] = []
  onEnd: (runner: TownRunner) => void = () => undefined
  /** What is said for people; null where nobody listens. */
  tell: ((what: string) => void) | null = null
  readonly #agenda: Agenda
  readonly #tape: Tape
  readonly #setting: Setting
  readonly #reached: Reached
  faulty = true

  constructor(agenda: Agenda, tape: Tape, setting: Setting, reached: Reached) {
    this.#agenda = agenda
    this.#tape = tape
    this.#setting = setting
    this.#reached = reached
    let made = 0
    this.forge = createSimulatedForge({
      version: setting.dialect.version,
      clock: { now: () => agenda.now },
      ids: () => String(++made).padStart(20, '0'),
      choices: tape.draw,
      faults: setting.faults.deliveries,
      repositories: [{ owner: place.owner!, name: place.name! }],
    })
    this.forge.watch((happening) => {
      if (happening.kind === 'job' && happening.job.status === 'queued') this.#offer()
    })
    this.forge.jobs.onDone((job) => this.#jobDone(job))
  }

  get live(): TownRunner[] {
    return this.runners.filter(({ state }) => state !== 'dead')
  }

  /** Every row that a runner can be given, the newest attempt of each. */
  get jobs(): SimulatedJob[] {
    return [...this.forge.ground.jobs.values()].filter(({ caller }) => !caller)
  }

  get queued(): SimulatedJob[] {
    return this.jobs.filter(({ status }) => status === 'queued')
  }

  start(
    about: Pick<TownRunner, 'name' | 'labels' | 'dispatch' | 'target' | 'handle' | 'oneJob' | 'extra' | 'registration'>,
    boot: number | null,
  ): TownRunner {
    const runner: TownRunner = {
      ...about,
      startedAt: this.#agenda.now,
      onlineAt: null,
      idleSince: null,
      state: 'booting',
      hangs: false,
      job: null,
      ending: false,
    }
    this.runners.push(runner)
    if (boot !== null) this.#agenda.in(boot, () => this.#online(runner))
    return runner
  }

  /** The process is gone. The forge notices in its own time: it knows only that nobody reports any more. */
  die(runner: TownRunner): void {
    if (runner.state === 'dead') return
    runner.state = 'dead'
    runner.idleSince = null
    this.onEnd(runner)
    if (runner.job) this.#agenda.in(unreported, () => this.sweep())
  }

  hang(runner: TownRunner): void {
    runner.hangs = true
  }

  /** Who lives and works has called and reported a moment ago: done when somebody asks, not minute by minute. */
  sweep(): void {
    const { now } = this.#agenda
    for (const { state, hangs, registration } of this.runners) {
      if (registration === null || state === 'booting' || state === 'dead' || hangs) continue
      registration.contactAt = now
      if (state === 'busy') registration.reportAt = now
    }
    this.forge.runners.sweep()
  }

  /** A runner takes what fits it a little later: as a real one does, it asks in its own time. */
  #offer(): void {
    for (const runner of this.runners) if (runner.state === 'idle') this.#askLater(runner)
  }

  #askLater(runner: TownRunner): void {
    this.#agenda.in(second * (1 + this.#tape.draw(3)), () => this.#take(runner))
  }

  #online(runner: TownRunner): void {
    if (runner.state !== 'booting') return
    runner.registration ??= this.#register(runner)
    if (runner.registration.goneAt !== null) {
      // Its registration was removed before it came: it is refused, and ends.
      this.die(runner)
      return
    }
    this.forge.runners.contact(runner.registration, { labels: this.#asListed(runner.labels), version: '1' })
    this.#wait(runner)
    this.tell?.(`runner ${runner.name} is up`)
    this.#take(runner)
  }

  #register({ name, labels, oneJob }: TownRunner): SimulatedRunner {
    return this.forge.runners.register({ scope: place, name, labels: this.#asListed(labels), ephemeral: oneJob })
  }

  /** As the forge lists them: the scheme is the runner's own affair. */
  #asListed(labels: readonly string[]): readonly string[] {
    const { implied } = this.#setting.dialect.labels
    return [...new Set([...implied, ...labels])]
  }

  #wait(runner: TownRunner): void {
    runner.state = 'idle'
    runner.onlineAt ??= this.#agenda.now
    runner.idleSince = this.#agenda.now
  }

  #take(runner: TownRunner): void {
    const { registration } = runner
    if (runner.state !== 'idle' || registration === null) return
    if (registration.goneAt !== null) {
      this.die(runner)
      return
    }
    if (runner.hangs) return
    const job = this.forge.runners.fetch(registration, runner.handle ?? undefined)
    if (job === null) return
    runner.state = 'busy'
    runner.idleSince = null
    runner.job = job
    if (runner.dispatch === null) this.#reached.note('runner: a stranger takes a job')
    this.tell?.(`runner ${runner.name} takes job ${job.id}`)
    const { taskId } = job
    const works = second * [20, 2, 60, 180, 700][this.#tape.draw(this.faulty && this.#setting.faults.runners ? 5 : 4)]!
    this.#agenda.in(works, () => {
      if (runner.state !== 'busy' || runner.hangs || runner.job !== job || job.taskId !== taskId) return
      this.forge.runners.report(registration, taskId, job.willEnd)
      this.#over(runner)
    })
  }

  /** Cancelled, or given up by the forge: its runner hears of it with its next report. */
  #jobDone(job: SimulatedJob): void {
    const runner = this.runners.find((one) => one.job === job && one.state === 'busy')
    if (!runner) return
    runner.ending = true
    this.#agenda.in(second, () => {
      if (!runner.hangs && runner.job === job) this.#over(runner)
    })
  }

  #over(runner: TownRunner): void {
    if (runner.state !== 'busy') return
    runner.job = null
    runner.ending = false
    if (runner.oneJob) {
      // What takes one job alone is forgotten by the forge where it knows such a thing, and removes itself elsewhere.
      if (runner.registration) this.forge.runners.remove(runner.registration)
      this.die(runner)
      return
    }
    this.#wait(runner)
    this.#askLater(runner)
  }

  fits(job: Pick<SimulatedJob, 'labels'>, offers: readonly string[]): boolean {
    const rules = this.#setting.dialect.labels
    return job.labels.length > 0 && job.labels.every((label) => offers.includes(comparable(label, rules)))
  }
}
