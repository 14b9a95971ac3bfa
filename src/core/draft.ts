import type { Backoff } from './backoff.ts'
import type { Dispatch, GoneReason } from './dispatch.ts'
import { type Event, type EventDetail, type EventType, eventAbout } from './event.ts'
import type { Changes, Facts } from './facts.ts'
import { type Job, jobKey } from './job.ts'
import type { Runner } from './runner.ts'
import { jobEvent, runnerEvent } from './trail.ts'

/** A snapshot being brought up to date: what is set in it is what will be written. */
export class Draft {
  readonly instance: string
  readonly now: number
  readonly #facts: Facts
  readonly #jobs: Map<string, Job>
  readonly #newest = new Map<string, Job>()
  readonly #dispatches: Map<string, Dispatch>
  readonly #runners: Map<string, Runner>
  readonly #backoffs: Map<string, Backoff>
  readonly #changed = { jobs: new Set<string>(), dispatches: new Set<string>(), runners: new Set<string>() }
  readonly #raised = new Set<string>()
  readonly #cleared = new Set<string>()
  readonly #events: Event[] = []

  constructor(instance: string, facts: Facts, now: number) {
    this.instance = instance
    this.now = now
    this.#facts = facts
    this.#jobs = new Map(facts.jobs.map((job) => [jobKey(job), job]))
    for (const job of facts.jobs) this.#index(job)
    this.#dispatches = new Map(facts.dispatches.map((dispatch) => [dispatch.id, dispatch]))
    this.#runners = new Map(facts.runners.map((runner) => [runner.name, runner]))
    this.#backoffs = new Map(facts.backoffs)
  }

  get jobs(): Job[] {
    return [...this.#jobs.values()]
  }

  /** Not gone, oldest first. */
  get dispatches(): Dispatch[] {
    return [...this.#dispatches.values()].filter(({ goneAt }) => goneAt === null)
  }

  /** Not gone. */
  get runners(): Runner[] {
    return [...this.#runners.values()].filter(({ state }) => state !== 'gone')
  }

  job(ref: { id: string; round: number } | null): Job | null {
    return (ref && this.#jobs.get(jobKey(ref))) ?? null
  }

  newest(id: string): Job | null {
    return this.#newest.get(id) ?? null
  }

  dispatch(id: string | null): Dispatch | null {
    return (id !== null && this.#dispatches.get(id)) || null
  }

  runner(name: string | null): Runner | null {
    return (name !== null && this.#runners.get(name)) || null
  }

  backoff(key: string): Backoff | null {
    return this.#backoffs.get(key) ?? null
  }

  get backoffs(): Backoff[] {
    return [...this.#backoffs.values()]
  }

  get signals(): Facts['signals'] {
    return this.#facts.signals
  }

  setJob(job: Job): void {
    const moved = jobEvent(this.#jobs.get(jobKey(job)) ?? null, job, this.now)
    if (moved) this.#events.push(moved)
    this.#jobs.set(jobKey(job), job)
    this.#changed.jobs.add(jobKey(job))
    this.#index(job)
  }

  setDispatch(dispatch: Dispatch): void {
    this.#dispatches.set(dispatch.id, dispatch)
    this.#changed.dispatches.add(dispatch.id)
  }

  setRunner(runner: Runner): void {
    this.#runners.set(runner.name, runner)
    this.#changed.runners.add(runner.name)
  }

  endRunner(runner: Runner): void {
    this.setRunner({ ...runner, state: 'gone', idleSince: null, idleLooks: 0, goneAt: this.now })
  }

  raise(backoff: Backoff): void {
    this.#backoffs.set(backoff.key, backoff)
    this.#raised.add(backoff.key)
    this.#cleared.delete(backoff.key)
  }

  clear(key: string): void {
    if (!this.#backoffs.delete(key)) return
    this.#raised.delete(key)
    this.#cleared.add(key)
  }

  free(dispatch: Dispatch, reason: GoneReason): void {
    this.setDispatch({ ...dispatch, goneAt: this.now, goneReason: reason })
    const type = reason === 'freed_without_proof' ? 'freed_without_proof' : 'dispatch_gone'
    this.tell(
      type,
      { job: dispatch.job, dispatch: dispatch.id, target: dispatch.target, runner: dispatch.runner },
      { reason },
    )
  }

  tell(
    type: EventType,
    about: Partial<Pick<Event, 'job' | 'dispatch' | 'target' | 'runner'>>,
    detail: EventDetail = {},
  ): void {
    this.#events.push(eventAbout(type, { ...about, at: this.now, instance: this.instance }, detail))
  }

  /** The snapshot as it now stands. */
  facts(): Facts {
    const backoffs = new Map(this.#backoffs)
    return { ...this.#facts, jobs: this.jobs, dispatches: this.dispatches, runners: this.runners, backoffs }
  }

  changes(): Changes {
    return {
      jobs: [...this.#changed.jobs].map((key) => this.#jobs.get(key)!),
      dispatches: [...this.#changed.dispatches].map((id) => this.#dispatches.get(id)!),
      runners: [...this.#changed.runners].map((name) => this.#runners.get(name)!),
      backoffs: [...this.#raised].map((key) => this.#backoffs.get(key)!),
      cleared: [...this.#cleared],
      events: this.#trail(),
    }
  }

  /** What runners did is told as it stands in the end: the steps of a reconciliation may take one for idle that works. */
  #trail(): Event[] {
    const known = new Map(this.#facts.runners.map((runner) => [runner.name, runner]))
    const moved = [...this.#changed.runners].flatMap((name) => {
      const runner = this.#runners.get(name)!
      const dispatch = this.dispatch(runner.dispatch)
      const event = runnerEvent(known.get(name) ?? null, runner, dispatch, this.now)
      return event ? [event] : []
    })
    const { true: first = [], false: later = [] } = Object.groupBy(
      moved,
      ({ type }) => `${type === 'runner_registered'}`,
    )
    return [...first, ...this.#events, ...later]
  }

  #index(job: Job): void {
    const known = this.#newest.get(job.id)
    if (!known || job.round >= known.round) this.#newest.set(job.id, job)
  }
}
