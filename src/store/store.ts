import type { Dispatch } from '../core/dispatch.ts'
import type { Event, StoredEvent } from '../core/event.ts'
import type { Circumstances } from '../core/explain.ts'
import type { Changes, Facts, FactsQuery } from '../core/facts.ts'
import type { DeliveredJob } from '../core/intake.ts'
import type { Job } from '../core/job.ts'
import type { VerdictChanges } from '../core/kept-verdicts.ts'
import type { EndedDispatch } from '../core/leftover.ts'
import type { Outcome } from '../core/outcome.ts'
import type { RunnerRequest } from '../core/request.ts'
import type { NothingToRetry, RetryEffect } from '../core/retry.ts'
import type { Runner } from '../core/runner.ts'
import type { Target } from '../core/target.ts'
import type {
  DeliverySummary,
  DispatchQuery,
  EventQuery,
  HistoryQuery,
  JobQuery,
  ListQuery,
  Moment,
  Overview,
  Page,
  RunnerQuery,
  Sample,
  ShownJob,
  TargetWaits,
} from './queries.ts'

export type * from './queries.ts'

/** One delivery that was verified and understood. No payload is kept. */
export interface DeliveryRecord {
  instance: string
  /** The forge's delivery id, or the body's digest where it sent none. */
  id: string
  event: string
  receivedAt: number
  via: 'http' | 'recovered'
  /** Fingerprint of the secret that signed it; null where none did (read back). */
  signedBy: string | null
  result: 'accepted' | 'ignored'
  /** Why it was ignored; null when it was not. */
  reason: string | null
  nudge: boolean
  /** It is a job event inside the scope: it may switch the mode. */
  jobEvent: boolean
  jobs: readonly DeliveredJob[]
}

/** The limits that hold in the transaction which writes `intended`. */
export interface Limits {
  /** By target name: dispatches that are not gone, in all. */
  targets: ReadonlyMap<string, number>
  /** By dispatcher name, over all instances; absent means without limit. */
  dispatchers: ReadonlyMap<string, number>
  /** What callers of the dispatcher API asked for, over all instances; null is without limit. */
  requested: number | null
}

/** Runners that one call of the dispatcher API asks for. */
export interface AskedRunners {
  instance: string
  at: number
  requests: readonly RunnerRequest[]
  /** Who asks: the name of a token. */
  by: string
  /** What the caller is told once they are recorded, and again at each repeat. */
  answer: string
  /** The `Idempotency-Key` with the digest of what it stands for; null where the caller sent none. */
  key: { value: string; digest: string } | null
}

export type RequestOutcome =
  /** `repeated`: the key was known, nothing was recorded, and this is the first answer. */
  | { kind: 'recorded' | 'repeated'; answer: string }
  /** The key is known and stood for something else. */
  | { kind: 'mismatch' }
  /** Too many wait already. */
  | { kind: 'full' }

/** A process that works instances. */
export interface Holder {
  /** Of this process alone, never used again. */
  id: string
  /** Its machine, as the rows of local dispatchers name it. */
  host: string
}

export interface HookRecord {
  instance: string
  url: string
  id: string
  /** SHA-256 of the secret it was made with; never the secret. */
  fingerprint: string
  events: readonly string[]
  checkedAt: number
}

/** How often a webhook secret has signed, and when last. */
export interface SecretUse {
  fingerprint: string
  uses: number
  lastAt: number
}

/** Who had an instance dispatch nothing, or dispatch again. */
export interface Pause {
  at: number
  /** Who did it: the name of the token. Null where an earlier version did not note it. */
  by: string | null
  reason: string | null
}

/** Somebody wants a runner for this job now. */
export interface RetryAsked {
  instance: string
  id: string
  /** Those of the instance, as configured. */
  targets: readonly Pick<Target, 'name' | 'dispatcher' | 'fallback' | 'ttl'>[]
  at: number
  by: string
}

/** `job` is its newest round, as it then is. */
export type RetryOutcome =
  | { kind: 'retried'; effects: readonly RetryEffect[]; job: Job }
  | { kind: 'nothing'; why: NothingToRetry; job: Job }

/**
 * Facts in, facts out. What a promise here says is durable when it resolves (a full fsync); a rejection means that nothing was written.
 * `StoreUnavailable` says that the state cannot be written now, which the public listener answers with 503.
 */
export interface Store {
  /** Folds the jobs in, keeps the id and rings the instance's bell, in one transaction; many deliveries share one commit. A repeat changes nothing. */
  recordDelivery(delivery: DeliveryRecord): Promise<'recorded' | 'duplicate'>

  facts(instance: string, query: FactsQuery): Promise<Facts>

  /** Writes what a turn found out. Throws `LeaseLost` when `epoch` is no longer the instance's. */
  save(instance: string, epoch: number, changes: Changes): Promise<void>

  /** Keeps why jobs wait, as a turn found it. Throws `LeaseLost` like `save`. */
  saveVerdicts(instance: string, epoch: number, changes: VerdictChanges): Promise<void>

  /** Writes the dispatches as `intended`, oldest demand first, as far as the limits allow, and answers those that were written. Throws `LeaseLost` like `save`. */
  intend(instance: string, epoch: number, dispatches: readonly Dispatch[], limits: Limits): Promise<readonly Dispatch[]>

  /**
   * Folds one outcome into its dispatch, its job and the back-offs, and rings. Answers the dispatch as it then is; null for an unknown id, and
   * where `epoch` is given and is no longer the instance's: what is about to be sent may be sent by the holder of the lease alone.
   */
  settle(dispatchId: string, outcome: Outcome, epoch?: number): Promise<Dispatch | null>

  /** Keeps what a caller of the dispatcher API asks for until its start is `sent`, and rings. The keys of an instance are its own. */
  request(asked: AskedRunners): Promise<RequestOutcome>

  /** Forgets a request that waits, and rings; `by` names who asked for it. Answers it; null for one that is unknown or being started. */
  cancel(request: string, at: number, by: string): Promise<RunnerRequest | null>

  /**
   * Takes or renews the lease of an instance for `ms` milliseconds from `now` (0 gives it up); its epoch, or null while another holder has it.
   * Where it changes hands, what the holder before left `intended` was never sent and what it left `sent` is unknown, but for starts by
   * another host's local kinds.
   */
  lease(instance: string, holder: Holder, now: number, ms: number): Promise<number | null>

  /** Calls `listener` after each commit that may change an instance's plan: deliveries, outcomes, pauses; not what a turn itself writes. Returns how to stop. */
  onBell(listener: (instance: string) => void): () => void

  /** Takes away what keeps the newest round of a job from its next runner, and rings. Null for a job that is not known. */
  retry(asked: RetryAsked): Promise<RetryOutcome | null>

  /** Null while it is not paused. */
  paused(instance: string): Promise<Pause | null>
  /** One that is paused already stays as it is, with who did it first. */
  pause(instance: string, how: Pause): Promise<void>
  resume(instance: string, how: Pause): Promise<void>
  hook(instance: string, url: string): Promise<HookRecord | null>
  saveHook(hook: HookRecord): Promise<void>
  /** Which of these delivery ids were recorded. */
  received(instance: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** How far the deliveries of a hook have been read back, in the forge's own words; null at the first time. */
  watermark(instance: string, hook: string): Promise<string | null>
  saveWatermark(instance: string, hook: string, watermark: string): Promise<void>
  /** Of each secret, the one last used first. */
  secretUses(instance: string): Promise<readonly SecretUse[]>
  /** Those of these dispatches that are gone, by id. */
  ended(instance: string, dispatches: readonly string[]): Promise<ReadonlyMap<string, EndedDispatch>>
  append(events: readonly Event[]): Promise<void>

  jobs(query: JobQuery): Promise<Page<ShownJob>>
  /** The newest round, or the one asked for; null when it is not known. */
  job(instance: string, id: string, round?: number): Promise<ShownJob | null>
  dispatches(query: DispatchQuery): Promise<Page<Dispatch>>
  /** What waits for its start, oldest first. */
  requests(query: Omit<ListQuery, 'target'>): Promise<Page<RunnerRequest>>
  runners(query: RunnerQuery): Promise<Page<Runner>>
  /** What stands around a round, as of now; `dispatchers` are those that its target may use. */
  circumstances(job: ShownJob, dispatchers: readonly string[]): Promise<Circumstances>
  /** The waits of a target's jobs that began after `since`, the newest first, at most so many of each as are worth a summary. Milliseconds. */
  waits(instance: string, target: string, since: number): Promise<TargetWaits>
  /** The newest first, or, where `after` is given, what came after that event, the oldest first. */
  events(query: EventQuery): Promise<Page<StoredEvent>>
  deliveries(instance: string): Promise<DeliverySummary>
  /** Reads counts alone: its cost grows with targets, hardly with jobs. `now` tells which dispatches are still believed to boot. */
  overview(now: number): Promise<Overview>
  /** Keeps the samples of one moment, those of all together among them, and forgets old ones; a repeat of the moment changes nothing. */
  sample(samples: readonly Sample[]): Promise<void>
  /** The moments that were kept, oldest first: each of six hours, each tenth minute of a day. */
  history(query: HistoryQuery): Promise<readonly Moment[]>

  /** Forgets deliveries, finished jobs, gone dispatches and runners, events, and requests with their keys older than `before`. */
  prune(before: number): Promise<void>
  /** Rejects with `StoreUnavailable` when the state cannot be written. */
  ready(): Promise<void>
  /** Writes what was asked for, and gives up the leases that were taken here. */
  close(): Promise<void>
}

/** The state cannot be written or read now (full, locked, broken); nothing was changed. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}

/** Another process holds the instance now: this plan is void. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** The state cannot be used at all: a newer schema, not a database, held by another process. The message says how to mend it. */
export class StoreUnusable extends Error {
  override readonly name = 'StoreUnusable'
}

/** The cursor was not taken from a page. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor'
}
