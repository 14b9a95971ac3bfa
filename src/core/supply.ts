import { type Dispatch, isPending } from './dispatch.ts'
import type { Facts } from './facts.ts'
import { type Job, jobKey } from './job.ts'
import { comparable, fits, type LabelRules } from './labels.ts'
import { isRequested } from './request.ts'
import type { Runner } from './runner.ts'

/** How long an idle runner is believed to take a job that fits it: from when both were seen. */
export const patience = 60_000

/** One runner that is idle, or is believed to come. It is spent once. */
export interface Supply {
  offers: readonly string[]
  runner: Runner | null
  dispatch: Dispatch | null
  /** The round that it serves alone; null when it takes whatever fits. */
  boundTo: string | null
  spent: boolean
}

/** Idle runners, ours and foreign ones, and pending dispatches: what can still take a job. What a caller of the dispatcher API asked for is the caller's. */
export function supplyOf(facts: Facts, rules: LabelRules, now: number): Supply[] {
  const byId = new Map(facts.dispatches.map((dispatch) => [dispatch.id, dispatch]))
  const idle = facts.runners
    .filter((runner) => runner.state === 'idle')
    .flatMap((runner) => {
      const dispatch = (runner.dispatch !== null && byId.get(runner.dispatch)) || null
      if (dispatch && isRequested(dispatch)) return []
      const offers =
        runner.labels.length > 0 ? runner.labels.map((label) => comparable(label, rules)) : dispatch?.offers
      return supply(offers ?? [], runner, dispatch)
    })
  const pending = facts.dispatches
    .filter((dispatch) => isPending(dispatch, now) && !isRequested(dispatch))
    .map((dispatch) => supply(dispatch.offers, null, dispatch))
  return [...idle, ...pending]
}

function supply(offers: readonly string[], runner: Runner | null, dispatch: Dispatch | null): Supply {
  const boundTo = dispatch?.handle && dispatch.job ? jobKey(dispatch.job) : null
  return { offers, runner, dispatch, boundTo, spent: false }
}

/**
 * Hands out supply to jobs, each piece once: what is bound to a round first, since it serves no other, then the most specific (that with
 * the most labels) last, a job's own dispatch first among equals.
 */
export class SupplyPool {
  readonly all: readonly Supply[]
  readonly #rules: LabelRules
  readonly #now: number
  readonly #bound: ReadonlyMap<string | null, Supply[]>
  readonly #shelves: Supply[][]
  readonly #fitting = new Map<string, Supply[][]>()

  constructor(all: readonly Supply[], rules: LabelRules, now: number) {
    this.all = all
    this.#rules = rules
    this.#now = now
    this.#bound = Map.groupBy(all, ({ boundTo }) => boundTo)
    const free = all.filter(({ boundTo }) => boundTo === null)
    const shelves = Map.groupBy(free, ({ offers }) => JSON.stringify(offers))
    this.#shelves = [...shelves.values()].sort(([a], [b]) => a!.offers.length - b!.offers.length)
  }

  /** Spends what covers this job and answers it; null when nothing does. */
  spendOn(job: Job): Supply | null {
    const bound = this.#bound.get(jobKey(job))?.find((supply) => this.#covers(supply, job))
    if (bound) {
      bound.spent = true
      return bound
    }
    for (const shelf of this.#shelvesFor(job.labels)) {
      const usable = shelf.filter((supply) => this.#covers(supply, job))
      const chosen = usable.find((supply) => isOwn(supply, job)) ?? usable[0]
      if (!chosen) continue
      chosen.spent = true
      return chosen
    }
    return null
  }

  #shelvesFor(labels: readonly string[]): Supply[][] {
    const key = JSON.stringify(labels)
    const known = this.#fitting.get(key)
    if (known) return known
    const found = this.#shelves.filter(([first]) => this.#takes(first!.offers, labels))
    this.#fitting.set(key, found)
    return found
  }

  #takes(offers: readonly string[], labels: readonly string[]): boolean {
    return labels.length === 0 ? this.#rules.unlabelled === 'anywhere' : fits(labels, offers, this.#rules)
  }

  #covers(supply: Supply, job: Job): boolean {
    if (supply.spent) return false
    if (supply.boundTo !== null) return supply.boundTo === jobKey(job)
    return supply.runner === null || this.#now < believedUntil(supply.runner, job)
  }
}

/** Until when an idle runner covers a job that is still queued. */
export function believedUntil(runner: Runner, job: Job): number {
  return Math.max(runner.idleSince ?? 0, job.seenQueuedAt ?? job.firstSeenAt) + patience
}

function isOwn(supply: Supply, job: Job): boolean {
  const asked = supply.dispatch?.job
  return asked?.id === job.id && asked.round === job.round
}
