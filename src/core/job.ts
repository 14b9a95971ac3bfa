/** A job only moves forward within a round: waiting, queued, running, finished. */
export type JobState = 'waiting' | 'queued' | 'running' | 'finished'

/** What one delivery or one row of a list says of a job, in our words. All times are epoch milliseconds. */
export interface ToldJob {
  /** The forge's id of the job, as text. */
  id: string
  /** Which attempt this is, from 1; null unless the forge's number can be trusted (Forgejo 15 and later). */
  attempt: number | null
  /** Names exactly one attempt, where the forge has such a thing (Forgejo 15 and later). */
  handle: string | null
  state: JobState
  /** The forge's word for the end (`success`, `failure`, `cancelled`, `skipped`, …); null before it. */
  conclusion: string | null
  name: string
  /** What `runs-on` asked for, as written; empty where the forge says null. */
  labels: readonly string[]
  /** `owner/name`; null where neither the row nor a look-up told it. */
  repository: string | null
  repositoryId: string | null
  runId: string | null
  /** A page for people; never fetched. */
  url: string | null
  /** The runner that took it; null while queued and where the forge does not say. */
  runnerName: string | null
  /** The forge's own moments; null where it does not tell them. */
  queuedAt: number | null
  startedAt: number | null
  finishedAt: number | null
}

/** Why a job has no target. */
export type Unassigned = 'unmatched' | 'not_allowed' | 'repository_unknown'

/** A job as we know it: one round of it. Keyed by (instance, id, round). */
export interface Job extends ToldJob {
  instance: string
  /** The forge's attempt where that can be trusted, else a counter of ours from 1. */
  round: number
  /** The target that takes it, found at intake; null with the reason in `unassigned`. */
  target: string | null
  unassigned: Unassigned | null
  /** Moments as seen by us. */
  firstSeenAt: number
  seenQueuedAt: number | null
  seenRunningAt: number | null
  seenFinishedAt: number | null
  /** The last delivery that spoke of this round, in whatever state. */
  deliveredAt: number | null
  /** The first delivery over HTTP of this round; null while no webhook announced it. */
  announcedAt: number | null
  /** The forge's id of that delivery. */
  announcedBy: string | null
  /** The first delivery of this round that had got lost and was read back; null when none was. */
  recoveredAt: number | null
  /** A delivery said `queued` of this round itself. */
  announcedQueued: boolean
  /** When the first complete look that listed it as queued began; null until then. */
  listedAt: number | null
  /** When the last look that listed it began: the forge's confirmation. */
  confirmedAt: number | null
  /** Its webhook was counted as lost then. */
  lostAt: number | null
  /** A delivery called this finished round queued again then; a look will tell. */
  requeuedAt: number | null
  /** A runner that was asked for this round has ended then, and nobody told what became of the round: a look will tell. */
  doubtedAt: number | null
  /** Its start (or its unseen end) has been spent on a runner or a dispatch. */
  startSpent: boolean
  /** How many dispatches were made for this round, refused ones not counted. */
  dispatches: number
  /** Raised by the store with every write; a write against an older version is dropped. */
  version: number
}

const rank: Record<JobState, number> = { waiting: 0, queued: 1, running: 2, finished: 3 }

/** True when `told` is further along than `known`. */
export function isAhead(told: JobState, known: JobState): boolean {
  return rank[told] > rank[known]
}

/** The key of a job's round inside its instance. */
export function jobKey(job: { id: string; round: number }): string {
  return `${job.id}/${job.round}`
}

/** How a fact reached us. Deliveries read back from a forge's API (`recovered`) never switch the mode. */
export type Source =
  | { kind: 'delivery'; via: 'http' | 'recovered'; at: number }
  | { kind: 'look'; beganAt: number; at: number }
