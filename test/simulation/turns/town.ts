import type { Choices } from '../../../src/simulation/choices.ts'
import type { Agenda } from './agenda.ts'

/** A job as the simulated forge keeps it, with every state that it ever was in. */
export interface TownJob {
  id: string
  attempt: number
  labels: readonly string[]
  state: 'queued' | 'running' | 'done'
  conclusion: 'success' | 'failure' | 'cancelled' | null
  queuedAt: number
  runner: string | null
  history: { at: number; attempt: number; state: TownJob['state']; runner: string | null }[]
}

/** A runner as it really is. */
export interface TownRunner {
  id: string
  name: string
  labels: readonly string[]
  /** The dispatch that it was started for; null for a stranger. */
  dispatch: string | null
  target: string | null
  /** The attempt that it waits for alone. */
  handle: string | null
  ephemeral: boolean
  startedAt: number
  onlineAt: number | null
  state: 'booting' | 'idle' | 'busy' | 'dead'
  /** Deregistered: it may live, and gets no job any more. */
  registered: boolean
  job: string | null
  /** Started beside the one that was asked for: nobody can know of it. */
  extra: boolean
}

export type Change = { job: TownJob; state: TownJob['state']; runner: string | null }

const second = 1_000

/** The simulated world as it really is: the forge's jobs and all runners. Nothing in it knows of the service. */
export class Town {
  readonly jobs = new Map<string, TownJob>()
  readonly runners: TownRunner[] = []
  /** Told of each change of a job. */
  onChange: (change: Change) => void = () => undefined
  onEnd: (runner: TownRunner) => void = () => undefined
  readonly #agenda: Agenda
  readonly #draw: Choices
  #made = 0

  constructor(agenda: Agenda, draw: Choices) {
    this.#agenda = agenda
    this.#draw = draw
  }

  get live(): TownRunner[] {
    return this.runners.filter(({ state }) => state !== 'dead')
  }

  get queued(): TownJob[] {
    return [...this.jobs.values()].filter(({ state }) => state === 'queued')
  }

  push(labels: readonly string[]): TownJob {
    const id = String(100 + ++this.#made)
    const job: TownJob = {
      id,
      attempt: 1,
      labels,
      state: 'queued',
      conclusion: null,
      queuedAt: 0,
      runner: null,
      history: [],
    }
    this.jobs.set(id, job)
    this.#enter(job)
    return job
  }

  cancel(job: TownJob): void {
    this.#finish(job, 'cancelled')
  }

  /** The same id gets another attempt, as on Gitea up to 1.26. */
  rerun(job: TownJob): void {
    if (job.state !== 'done') return
    job.attempt++
    this.#enter(job)
  }

  start(
    runner: Omit<TownRunner, 'id' | 'state' | 'registered' | 'job' | 'startedAt' | 'onlineAt'>,
    boot: number | null,
  ) {
    const made: TownRunner = {
      ...runner,
      id: String(++this.#made),
      state: 'booting',
      registered: true,
      job: null,
      startedAt: this.#agenda.now,
      onlineAt: null,
    }
    this.runners.push(made)
    if (boot !== null) this.#agenda.in(boot, () => this.#online(made))
    return made
  }

  die(runner: TownRunner): void {
    if (runner.state === 'dead') return
    runner.state = 'dead'
    const job = runner.job === null ? null : this.jobs.get(runner.job)
    if (job?.state === 'running' && job.runner === runner.name) this.#finish(job, 'failure')
    this.onEnd(runner)
  }

  handleOf(job: TownJob): string {
    return `${job.id}#${job.attempt}`
  }

  /** A runner takes what fits it a little later: as a real one does, it asks in its own time. */
  offer(): void {
    for (const runner of this.runners) {
      if (runner.state === 'idle') this.#agenda.in(second * (1 + this.#draw(3)), () => this.#take(runner))
    }
  }

  fits(job: TownJob, runner: TownRunner): boolean {
    if (runner.handle !== null) return runner.handle === this.handleOf(job)
    return job.labels.every((label) => runner.labels.includes(label))
  }

  #enter(job: TownJob): void {
    Object.assign(job, { state: 'queued', conclusion: null, runner: null, queuedAt: this.#agenda.now })
    this.#changed(job)
    this.offer()
  }

  #online(runner: TownRunner): void {
    if (runner.state !== 'booting') return
    runner.state = 'idle'
    runner.onlineAt = this.#agenda.now
    this.#take(runner)
  }

  #take(runner: TownRunner): void {
    if (runner.state !== 'idle' || !runner.registered) return
    const job = this.queued.find((one) => this.fits(one, runner))
    if (!job) return
    runner.state = 'busy'
    runner.job = job.id
    job.state = 'running'
    job.runner = runner.name
    this.#changed(job)
    const { attempt } = job
    this.#agenda.in(second * [20, 2, 60, 180][this.#draw(4)]!, () => {
      if (job.attempt === attempt && job.runner === runner.name) this.#finish(job, 'success')
    })
  }

  #finish(job: TownJob, conclusion: NonNullable<TownJob['conclusion']>): void {
    if (job.state === 'done') return
    const runner = this.runners.find(({ state, job: id }) => state === 'busy' && id === job.id)
    job.state = 'done'
    job.conclusion = conclusion
    this.#changed(job)
    if (!runner) return
    runner.job = null
    if (runner.ephemeral) {
      this.die(runner)
      return
    }
    runner.state = 'idle'
    this.#agenda.in(second, () => this.#take(runner))
  }

  #changed(job: TownJob): void {
    const { attempt, state, runner } = job
    job.history.push({ at: this.#agenda.now, attempt, state, runner })
    this.onChange({ job: { ...job }, state, runner })
  }
}
