import type { Instead } from './dispatch.ts'
import type { Facts } from './facts.ts'
import type { Job } from './job.ts'
import type { LabelRules } from './labels.ts'
import type { RunnerRequest } from './request.ts'
import type { Target } from './target.ts'

/** Everything that a decision rests on. */
export interface Snapshot {
  now: number
  instance: string
  targets: readonly Target[]
  rules: LabelRules
  facts: Facts
  /** The names of the dispatchers that can stop a runner. */
  stoppable: ReadonlySet<string>
  /** When the last complete look of runners began; null when there was none. */
  runnersSeenAt: number | null
  /** Whether the forge has a job list that can settle a doubt. */
  jobsListed: boolean
  /** The first look has ended: before it nobody knows what is idle, and `min_idle` waits. */
  looked: boolean
  /**
   * When the state began anew because the one before was damaged; null where it did not. Nobody remembers the runners from before, and they
   * may live on: until one `ttl` later none is started for `min_idle`.
   */
  rebuiltAt: number | null
  /** Where requests of the dispatcher API go that no target offers; null where it is not offered, and they wait. */
  api: { dispatcher: string } | null
}

/** One runner to be asked for: for a job, for a request of the dispatcher API, or, where both are null, for `min_idle`. */
export interface Wanted {
  target: string
  dispatcher: string
  /** Why not the first one of the target. */
  instead: Instead | null
  /** Where else it may be asked for now. */
  others: readonly string[]
  job: Job | null
  request: RunnerRequest | null
}
