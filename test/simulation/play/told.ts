import type { ToldJob } from '../../../src/core/job.ts'
import type { SeenRunner } from '../../../src/core/runner.ts'
import type { TownRunner } from './town.ts'

/** What of one job has come through to the service, for sure or perhaps. */
interface Known {
  /** The attempt that this is about, by the handle or else by the rounds that we counted. */
  attempt: number
  /** A delivery or a list that called it queued arrived, whatever became of it then. */
  maybeQueuedAt: number | null
  /** Something that tells that it waits no more was answered with a 2xx or listed, and nobody died over it. */
  leftAt: number | null
  leftBy: 'delivery' | 'list'
  /** An acknowledged delivery told its end. */
  overAt: number | null
  deliveredAt: number | null
  /** Its `queued` came again under a new id after that: a forge without a job list re-runs just so. */
  replayed: boolean
}

const second = 1_000
/** What a list told is known only once a turn has taken it; who dies before has not heard of it. */
const takenBy = 30 * second

/**
 * What the world has told the service: deliveries that were acknowledged, lists that were answered. The oracle's only knowledge of what
 * the service can know; our own store is never asked.
 */
export class Told {
  readonly #now: () => number
  readonly #jobs = new Map<string, Known>()
  /** Ids of deliveries whose twin has come. */
  readonly #arrived = new Set<string>()
  /** By runner: in how many complete lists in a row it was idle. */
  readonly #idleLists = new Map<string, number>()
  /** A delivery was not taken: what was known by it alone may never be known. */
  anyLost = false

  constructor(now: () => number) {
    this.#now = now
  }

  made(_id: string, _job: ToldJob): void {}

  arrives(id: string, job: ToldJob | null): void {
    if (!job) return
    const known = this.#of(job)
    if (job.state === 'queued' && isCurrent(known, job)) {
      known.maybeQueuedAt ??= this.#now()
      if (known.leftAt !== null && !this.#arrived.has(id)) known.replayed = true
    }
    this.#arrived.add(id)
  }

  delivered(_id: string, job: ToldJob): void {
    const known = this.#of(job)
    if (!isCurrent(known, job)) return
    known.deliveredAt = this.#now()
    if (job.state === 'finished') known.overAt ??= this.#now()
    if (job.state === 'running' || job.state === 'finished') this.#left(known, 'delivery')
  }

  lost(job: ToldJob | null): void {
    if (job) this.anyLost = true
  }

  list(rows: readonly ToldJob[], complete: boolean, filter: readonly string[] | null, askedAt: number): void {
    const listed = new Set<string>()
    for (const row of rows) {
      const known = this.#of(row)
      listed.add(row.id)
      if (row.state === 'queued') {
        // A list that calls it queued a minute after its last event opens a round anew (product 2.10), and one at once where one is owed.
        if (known.leftAt !== null && (known.replayed || askedAt >= (known.deliveredAt ?? 0) + 60 * second)) {
          known.leftAt = null
          known.overAt = null
        }
        known.maybeQueuedAt ??= this.#now()
      } else this.#left(known, 'list')
    }
    if (!complete) return
    for (const [id, known] of this.#jobs) {
      if (listed.has(id) || known.maybeQueuedAt === null || filter !== null) continue
      const proven =
        known.deliveredAt === null ? askedAt > known.maybeQueuedAt : askedAt >= known.deliveredAt + 60 * second
      if (proven) this.#left(known, 'list')
    }
  }

  runners(rows: readonly SeenRunner[], complete: boolean, _askedAt: number): void {
    for (const { name, state } of rows) {
      if (state !== 'idle') this.#idleLists.set(name, 0)
      else if (complete) this.#idleLists.set(name, (this.#idleLists.get(name) ?? 0) + 1)
    }
  }

  /** How many complete lists in a row showed it idle. */
  idleLists(name: string): number {
    return this.#idleLists.get(name) ?? 0
  }

  /** Only what two complete lists in a row showed idle may be removed (product 3.7, and the architecture's invariants). */
  mayRemove({ name, state }: TownRunner, lists: number, violation: (what: string) => void): void {
    if (lists < 2) violation(`${name} (${state}) was to be removed after ${lists} complete lists that showed it idle`)
  }

  /** A process died, stood still, or lost its lease: what the lists of late told it is forgotten. */
  forget(): void {
    for (const known of this.#jobs.values()) {
      if (known.leftBy === 'list' && known.leftAt !== null && known.leftAt > this.#now() - takenBy) known.leftAt = null
    }
  }

  /** Whether the service may believe that this job waits; `grace` milliseconds are for what was under way when it heard better. */
  mayWait(id: string, grace: number): boolean {
    const known = this.#jobs.get(id)
    if (!known || known.maybeQueuedAt === null) return false
    return known.leftAt === null || known.replayed || this.#now() < known.leftAt + grace
  }

  /** When an acknowledged delivery told that it is over, and nothing since that it is queued again; null otherwise. */
  overSince(id: string): number | null {
    const known = this.#jobs.get(id)
    return known && !known.replayed ? known.overAt : null
  }

  #left(known: Known, by: Known['leftBy']): void {
    known.leftBy = by
    known.leftAt ??= this.#now()
  }

  #of({ id, attempt }: ToldJob): Known {
    const known = this.#jobs.get(id)
    if (known && (attempt === null || attempt <= known.attempt)) return known
    const made: Known = {
      attempt: attempt ?? 1,
      maybeQueuedAt: null,
      leftAt: null,
      leftBy: 'list',
      overAt: null,
      deliveredAt: null,
      replayed: false,
    }
    this.#jobs.set(id, made)
    return made
  }
}

function isCurrent(known: Known, { attempt }: ToldJob): boolean {
  return attempt === null || attempt === known.attempt
}
