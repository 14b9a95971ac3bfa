import type { Backoff } from '../core/backoff.ts'
import type { DispatchState } from '../core/dispatch.ts'
import type { EventType } from '../core/event.ts'
import type { Job, JobState, Unassigned } from '../core/job.ts'
import type { Runner } from '../core/runner.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Pause } from './store.ts'

/** What is asked of the state to be shown, and the counts that it answers with. */

/** A page of a list. `next` goes back as `cursor`; null at the end. A list rejects with `BadCursor` for any other text. */
export interface Page<T> {
  items: readonly T[]
  next: string | null
}

export interface ListQuery {
  instance?: string
  target?: string
  cursor?: string
  /** 1 to 500. */
  limit: number
}

export interface JobQuery extends ListQuery {
  state?: JobState
  /** `owner/name`, compared without case. */
  repository?: string
  /** It asks for this label, among others; as written. */
  label?: string
}

export interface DispatchQuery extends ListQuery {
  live?: boolean
  state?: DispatchState
  dispatcher?: string
  /** Only those with no runner that is theirs. */
  untied?: boolean
  ids?: readonly string[]
}

export interface RunnerQuery extends ListQuery {
  gone?: boolean
  state?: Runner['state']
}

/** What is given narrows the list. */
export interface EventQuery extends ListQuery {
  types?: readonly EventType[]
  /** One round, or all rounds of a job where it names none. Ids are the forge's: ask for them with their instance. */
  job?: { id: string; round?: number }
  dispatch?: string
  /** By name; ask for it with its instance. */
  runner?: string
  /** Epoch milliseconds: what happened at this moment or later. */
  since?: number
  /** Epoch milliseconds: what happened before this moment. */
  until?: number
  /** The `id` of an event. Throws `BadCursor` for text that is none. */
  after?: string
}

/** Queue: queued to running; boot: asked for to first seen; run: running to over. */
export type TargetWaits = Readonly<Record<'queue' | 'boot' | 'run', readonly number[]>>

/** A round with why it has, or has not, a runner; null once it is finished, and until a turn has seen it. */
export interface ShownJob extends Job {
  verdict: Verdict | null
}

export interface DeliverySummary {
  instance: string
  lastAt: number | null
  lastJobEventAt: number | null
}

/** How many open jobs of a target, or of none, are in one state. */
export interface JobCount {
  instance: string
  target: string | null
  state: Exclude<JobState, 'finished'>
  unassigned: Unassigned | null
  jobs: number
  /** Since when the oldest of them is there, epoch milliseconds. */
  oldestAt: number
}

/** How many dispatches that count toward `max` have a runner in one state. `unseen`: it is offline, or has not come in time. */
export interface RunnerCount {
  instance: string
  target: string
  dispatcher: string
  state: 'booting' | 'idle' | 'busy' | 'unseen'
  runners: number
}

/** How everything is, as counts: what a page shows of ten thousand jobs without reading one. */
export interface Overview {
  jobs: readonly JobCount[]
  runners: readonly RunnerCount[]
  /** By instance. */
  deliveries: ReadonlyMap<string, DeliverySummary>
  /** By instance. */
  paused: ReadonlyMap<string, Pause>
  /** Those of dispatchers that failed of late. */
  breakers: readonly Backoff[]
}

/** How queue and runners were at one moment, epoch milliseconds. */
export interface Moment {
  at: number
  queued: number
  booting: number
  idle: number
  busy: number
  max: number
}

/** A moment of one target; of all together where both names are empty. */
export interface Sample extends Moment {
  instance: string
  target: string
}

export interface HistoryQuery {
  /** All of them together where it is absent. */
  instance?: string
  /** All of the instance's together where it is absent. */
  target?: string
  /** Epoch milliseconds. */
  since: number
}
