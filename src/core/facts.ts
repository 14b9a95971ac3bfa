import type { Backoff } from './backoff.ts'
import type { Dispatch } from './dispatch.ts'
import type { Event } from './event.ts'
import type { Job } from './job.ts'
import type { RunnerRequest } from './request.ts'
import type { Runner } from './runner.ts'
import type { Verdict } from './verdict.ts'

/** One snapshot of an instance, as recorded. A plan is made from one of these and nothing else. */
export interface Facts {
  /**
   * Open rounds (waiting, queued, running), oldest first; of the queued ones at most a window per target.
   * Besides them: the rounds that live dispatches name (`job` and `ran`), finished rounds called queued again, finished ones whose start is
   * not spent yet, those listed after `listedSince` that no webhook announced, those read back after it, and the newest round of each id asked for.
   */
  jobs: readonly Job[]
  /** How many queued jobs of a target lie beyond the window. */
  beyond: ReadonlyMap<string, number>
  /** Dispatches that are not gone, oldest first. */
  dispatches: readonly Dispatch[]
  /** What callers of the dispatcher API asked for and no live dispatch serves, oldest first. */
  requests: readonly RunnerRequest[]
  /** Runners that are not gone. */
  runners: readonly Runner[]
  /** By key; those of the instance and those of all dispatchers. */
  backoffs: ReadonlyMap<string, Backoff>
  paused: boolean
  /** What the turn before said: by `jobKey` the verdicts that are kept, and the targets whose queue went on beyond the window. */
  kept: { verdicts: ReadonlyMap<string, Verdict>; beyond: ReadonlySet<string> }
  signals: Signals
}

/** What the deliveries of late say about when to look. */
export interface Signals {
  /** The last nudge; null when there was none. */
  nudgedAt: number | null
  /** The last job event over HTTP inside the scope; null when there was none. */
  jobEventAt: number | null
  /** Rounds first seen after `since` that a delivery over HTTP announced. */
  announcedSince: number
  /** By repository, when a job of it was last seen finished; only what an idle back-off may ask for (the last hour). */
  finishedAt: ReadonlyMap<string, number>
}

export interface FactsQuery {
  /** At most so many queued jobs per target; null for all. */
  window: number | null
  /** Ids whose newest round is wanted even when it is finished. */
  ids: readonly string[]
  /** Epoch milliseconds, for `Signals.announcedSince`. */
  since: number
  /** Epoch milliseconds: rounds listed after it that no webhook announced, and those read back after it, are wanted even when they are finished. */
  listedSince: number
}

/** What a turn found out: rows to be written, each dropped when its version is no longer the one it was made from (0: a new row). */
export interface Changes {
  jobs: readonly Job[]
  dispatches: readonly Dispatch[]
  runners: readonly Runner[]
  backoffs: readonly Backoff[]
  /** Keys of back-offs that are over. */
  cleared: readonly string[]
  events: readonly Event[]
}
