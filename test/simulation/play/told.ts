import type { ToldJob } from '../../../src/core/job.ts'
import type { SeenRunner } from '../../../src/core/runner.ts'
import type { TownRunner } from './town.ts'

/** What of one job has come through to the service, for sure or perhaps. */
interface Known {
  /** The attempt that this is about, by the handle or else by the rounds that we counted. */
  attempt: number
  labels: readonly string[]
  /** A delivery or a list that called it queued arrived, whatever became of it then. */
  maybeQueuedAt: number | null
  /** Something that tells that it waits no more was answered with a 2xx or listed, and nobody died over it. */
  leftAt: number | null
  leftBy: 'delivery' | 'list'
  /** An acknowledged delivery told its end. */
  overAt: number | null
  deliveredAt: number | null
  /** Something that tells that it waits no more has arrived, whatever became of it. */
  hasMoved: boolean
  /** Its `queued` came under a new id after that: perhaps it is run again. */
  requeued: boolean
}

const second = 1_000
/** What a list told is known only once a turn has taken it; who dies before has not heard of it. */
const takenBy = 30 * second
/** How long a call to the forge may take that was right when it was decided on. */
const underWay = 130 * second

/**
 * What the world has told the service: deliveries that were acknowledged, lists that were answered. The oracle's only knowledge of what
 * the service can know; our own store is never asked.
 */
export class Told {
  readonly #now: () => number
  readonly #listsJobs: boolean
  readonly #jobs = new Map<string, Known>()
  /** Ids of deliveries that were acknowledged: their twins tell nothing. */
  readonly #recorded = new Set<string>()
  /** By runner: in how many complete lists in a row it was idle. */
  readonly #idleLists = new Map<string, { lists: number; before: number; brokenAt: number }>()
  /** Jobs that began where nobody could know on which runner, or were gone from the queue unseen. */
  readonly #unexplained: { labels: readonly string[]; at: number }[] = []
  /** By runner: when its credential was asked for. */
  readonly credentialAt = new Map<string, number>()
  #deafUntil = 0
  /** A delivery was not taken: what was known by it alone may never be known. */
  anyLost = false

  constructor(now: () => number, listsJobs: boolean) {
    this.#now = now
    this.#listsJobs = listsJobs
  }

  arrives(id: string, job: ToldJob | null): void {
    if (!job) return
    const known = this.#of(job)
    if (job.state === 'queued' && isCurrent(known, job)) {
      known.maybeQueuedAt ??= this.#now()
      if (known.hasMoved && !this.#recorded.has(id)) known.requeued = true
    } else if (job.state !== 'waiting') known.hasMoved = true
  }

  delivered(id: string, job: ToldJob): void {
    const isFirst = !this.#recorded.has(id)
    this.#recorded.add(id)
    const known = this.#of(job)
    if (!isCurrent(known, job)) return
    // It may have been written down after what overtook it.
    if (job.state === 'queued' && known.hasMoved && isFirst) known.requeued = true
    known.deliveredAt = this.#now()
    if (job.state === 'finished') known.overAt ??= this.#now()
    if (job.state === 'running' || job.state === 'finished') this.#leftUnnamed(known, job)
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
        if (known.leftAt !== null && (known.requeued || askedAt >= (known.deliveredAt ?? 0) + 60 * second)) {
          known.leftAt = null
          known.overAt = null
          known.requeued = false
        }
        known.maybeQueuedAt ??= this.#now()
      } else {
        this.#leftUnnamed(known, row)
        this.#left(known, 'list')
      }
    }
    if (!complete) return
    for (const [id, known] of this.#jobs) {
      if (listed.has(id) || known.maybeQueuedAt === null || filter !== null) continue
      const proven =
        known.deliveredAt === null ? askedAt > known.maybeQueuedAt : askedAt >= known.deliveredAt + 60 * second
      if (!proven) continue
      if (known.leftAt === null) this.#unexplained.push({ labels: known.labels, at: this.#now() })
      this.#left(known, 'list')
    }
  }

  runners(rows: readonly SeenRunner[], complete: boolean, _askedAt: number): void {
    for (const { name, state } of rows) {
      const known = this.#idleLists.get(name) ?? { lists: 0, before: 0, brokenAt: 0 }
      if (state !== 'idle') this.#idleLists.set(name, { lists: 0, before: known.lists, brokenAt: this.#now() })
      else if (complete) this.#idleLists.set(name, { ...known, lists: known.lists + 1 })
    }
  }

  /** Whether a list has shown this runner: before that it is believed until its boot_timeout alone (product 3.2). */
  hasShown(name: string): boolean {
    return this.#idleLists.has(name)
  }

  /** Only what two complete lists in a row showed idle may be removed (product 3.7, and the architecture's invariants). */
  mayRemove({ name, state }: TownRunner, violation: (what: string) => void): void {
    const { lists, before, brokenAt } = this.#idleLists.get(name) ?? { lists: 0, before: 0, brokenAt: 0 }
    // It was decided before the list came that shows it at work.
    const shown = this.#now() - brokenAt < underWay ? Math.max(lists, before) : lists
    if (shown < 2) violation(`${name} (${state}) was to be removed after ${shown} complete lists that showed it idle`)
  }

  /** A process died, stood still, or lost its lease: what the lists of late told it is forgotten. */
  forget(): void {
    this.#deafUntil = this.#now() + takenBy
    for (const known of this.#jobs.values()) {
      if (known.leftBy === 'list' && known.leftAt !== null && known.leftAt > this.#now() - takenBy) known.leftAt = null
    }
  }

  /** Whether the service may have believed at that time that this job waits. */
  mayHaveWaited(id: string, at: number): boolean {
    const known = this.#jobs.get(id)
    if (!known || known.maybeQueuedAt === null) return false
    return known.leftAt === null || known.leftAt > at || this.#isRerun(known)
  }

  /** When an acknowledged delivery told that it is over, and nothing since that it is queued again; null otherwise. */
  overSince(id: string): number | null {
    const known = this.#jobs.get(id)
    return known && !this.#isRerun(known) ? known.overAt : null
  }

  /** Where the forge has no job list, a `queued` under a new id is all that tells of a re-run (product 2.10); elsewhere a look has to list it. */
  #isRerun(known: Known): boolean {
    return known.requeued && !this.#listsJobs
  }

  /** It began, or ended without being cancelled while it waited, and nobody says on which runner. */
  #leftUnnamed(known: Known, { labels, runnerName, state, conclusion }: ToldJob): void {
    const waited = state === 'finished' && (conclusion === 'cancelled' || conclusion === 'skipped')
    if (known.leftAt === null && runnerName === null && !waited) this.#unexplained.push({ labels, at: this.#now() })
  }

  /**
   * How many jobs that such a runner could have taken began of late without a name: each may have ended the cover of a dispatch that
   * still comes (product 3.4).
   */
  unexplained(fits: (labels: readonly string[]) => boolean, since: number): number {
    return this.#unexplained.filter(({ labels, at }) => at >= since && fits(labels)).length
  }

  #left(known: Known, by: Known['leftBy']): void {
    // What the dead had asked for is answered to nobody.
    if (by === 'list' && this.#now() < this.#deafUntil) return
    known.leftBy = by
    known.leftAt ??= this.#now()
    known.hasMoved = true
  }

  #of({ id, attempt, labels }: ToldJob): Known {
    const known = this.#jobs.get(id)
    if (known && (attempt === null || attempt <= known.attempt)) return known
    const made: Known = {
      attempt: attempt ?? 1,
      labels,
      maybeQueuedAt: null,
      leftAt: null,
      leftBy: 'list',
      overAt: null,
      deliveredAt: null,
      hasMoved: false,
      requeued: false,
    }
    this.#jobs.set(id, made)
    return made
  }
}

function isCurrent(known: Known, { attempt }: ToldJob): boolean {
  return attempt === null || attempt === known.attempt
}
