import { backoffKey, breakerTrips, openedAt } from './backoff.ts'
import type { Dispatch, Instead } from './dispatch.ts'
import { type Job, jobKey } from './job.ts'
import type { RunnerRequest } from './request.ts'
import type { Snapshot } from './snapshot.ts'
import type { Target } from './target.ts'

/** The outcome of a probe wakes the worker by itself: only a row that nobody tells of is asked about again. */
const probePatience = 10_000

/** The dispatcher to ask, or until when none may be, and why. */
export type Choice =
  | { dispatcher: string; until: null; instead: Instead | null; others: readonly string[] }
  | { dispatcher: string; until: number; why: KeptFrom }

/** It refused this very demand, or its breaker is open. */
type KeptFrom = 'refused' | 'down'

/** Where a demand may be asked for. */
type Place = Pick<Target, 'name' | 'dispatcher' | 'fallback'>

/** What is left of each target's `max`, of its share for retries, and of each dispatcher's breaker. */
export class Rooms {
  readonly #free = new Map<string, number>()
  readonly #retries = new Map<string, number>()
  readonly #probing = new Set<string>()
  readonly #targets: ReadonlyMap<string, Target>
  readonly #snapshot: Snapshot

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
    const { targets, facts } = snapshot
    this.#targets = new Map(targets.map((target) => [target.name, target]))
    const live = Map.groupBy(facts.dispatches, ({ target }) => target)
    for (const dispatch of facts.dispatches) if (this.#isProbe(dispatch)) this.#probing.add(dispatch.dispatcher)
    const rounds = new Map(facts.jobs.map((job) => [jobKey(job), job]))
    for (const target of targets) {
      const ours = live.get(target.name) ?? []
      this.#free.set(target.name, target.max - ours.length)
      const retried = ours.filter(({ job }) => job && this.isRetry(rounds.get(jobKey(job)))).length
      this.#retries.set(target.name, Math.max(1, Math.floor(target.max / 2)) - retried)
    }
  }

  target(name: string): Target | undefined {
    return this.#targets.get(name)
  }

  /** A round for which a runner idled out before comes after all fresh ones, in at most half of `max`. */
  isRetry(job: Job | null | undefined): boolean {
    const { facts, instance } = this.#snapshot
    return job ? facts.backoffs.has(backoffKey.idledJob(instance, job)) : false
  }

  hasFree(target: string): boolean {
    return (this.#free.get(target) ?? 0) > 0
  }

  hasFreeForRetry(target: string): boolean {
    return (this.#retries.get(target) ?? 0) > 0
  }

  /** Until when the dispatcher's breaker keeps further requests back; null when one may be sent, be it as the probe. */
  closedUntil(dispatcher: string): number | null {
    const { facts, now } = this.#snapshot
    const breaker = facts.backoffs.get(backoffKey.breaker(dispatcher))
    if (!breaker || breaker.failures < breakerTrips) return null
    if (this.#probing.has(dispatcher)) return Math.max(breaker.until, now + probePatience)
    return now < breaker.until ? breaker.until : null
  }

  /**
   * Where a runner of this target is asked for now, for a job, a request or `min_idle`. Its dispatchers are tried in their order: one that
   * refused this demand is passed over for a while, and so is one whose breaker is open. Where none is left: when the first may be asked.
   */
  choose(target: Place, job: Job | null, request: RunnerRequest | null = null): Choice {
    const all = [target.dispatcher, ...target.fallback].map((name) => ({
      name,
      kept: this.#keptFrom(name, this.#demandKey(name, target, job, request)),
    }))
    const [chosen, ...others] = all.flatMap(({ name, kept }) => (kept === null ? [name] : []))
    const first = all[0]!.kept
    if (chosen !== undefined) return { dispatcher: chosen, until: null, instead: first?.why ?? null, others }
    const why = all.some(({ kept }) => kept?.why === 'refused') ? 'refused' : 'down'
    return { dispatcher: target.dispatcher, until: Math.min(...all.map(({ kept }) => kept!.until)), why }
  }

  #demandKey(dispatcher: string, { name }: Place, job: Job | null, request: RunnerRequest | null): string {
    const { instance } = this.#snapshot
    if (request) return backoffKey.refusedRequest(instance, request.id, dispatcher)
    return job ? backoffKey.refusedJob(instance, job, dispatcher) : backoffKey.refusedTarget(instance, name, dispatcher)
  }

  #keptFrom(dispatcher: string, key: string): { why: KeptFrom; until: number } | null {
    const { facts, now } = this.#snapshot
    const refusedUntil = facts.backoffs.get(key)?.until ?? 0
    if (now < refusedUntil) return { why: 'refused', until: refusedUntil }
    const until = this.closedUntil(dispatcher)
    return until === null ? null : { why: 'down', until }
  }

  /** A call under way that was let through while the breaker was open: its outcome comes before another is. */
  #isProbe({ dispatcher, state, intendedAt }: Dispatch): boolean {
    const breaker = this.#snapshot.facts.backoffs.get(backoffKey.breaker(dispatcher))
    const since = breaker ? openedAt(breaker) : null
    return since !== null && (state === 'intended' || state === 'sent') && intendedAt >= since
  }

  take(name: string, dispatcher: string, job: Job | null): void {
    this.#free.set(name, (this.#free.get(name) ?? 0) - 1)
    if (this.isRetry(job)) this.#retries.set(name, (this.#retries.get(name) ?? 0) - 1)
    this.#probing.add(dispatcher)
  }
}
