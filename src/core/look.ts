import type { ToldJob } from './job.ts'
import type { SeenRunner } from './runner.ts'

/** A forge's job list. Only a complete one, or what came whole of another, proves an absence, inside its filter. */
export interface JobList {
  /** Every page came, in the expected shape. */
  complete: boolean
  /** The list holds only jobs whose labels are a subset of these; null when nothing was filtered. */
  filter: readonly string[] | null
  /** It came whole of these repositories alone, `owner/name` in lower case; absent where it was asked for at once of the whole scope. */
  repositories?: ReadonlySet<string>
  /** Queued and running jobs; a forge may add waiting ones. */
  jobs: readonly ToldJob[]
}

export interface RunnerList {
  complete: boolean
  runners: readonly SeenRunner[]
}

/** What a dispatcher says that it runs for this owner. */
export interface RunningList {
  complete: boolean
  dispatches: readonly string[]
}

/** Only what was sent and heard of before it was asked for can be missing from it. */
export interface TimedRunningList extends RunningList {
  /** Epoch milliseconds, taken before the request. */
  askedAt: number
}

/** What one look saw. A part that is null could not be had, so it proves nothing. */
export interface Look {
  /** Epoch milliseconds, taken before the first request. */
  beganAt: number
  jobs: JobList | null
  runners: RunnerList | null
  /** By dispatcher name; one that cannot list is absent. */
  running: ReadonlyMap<string, TimedRunningList>
}
