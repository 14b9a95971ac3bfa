import type { Clock } from '../clock.ts'
import type { Credential } from '../core/credential.ts'
import type { Finding } from '../core/finding.ts'
import type { ToldJob } from '../core/job.ts'
import type { LabelRules } from '../core/labels.ts'
import type { JobList, RunnerList } from '../core/look.ts'
import type { RoundRules } from '../core/rounds.ts'
import type { Scope } from '../core/scope.ts'
import type { Secret } from '../secret.ts'

export type ForgeKind = 'forgejo' | 'gitea' | 'github'

/** One webhook request: raw bytes, nothing parsed. Header names are in lower case. */
export interface RawDelivery {
  headers: Readonly<Record<string, string | undefined>>
  body: Uint8Array
}

/**
 * What a delivery turned out to be. `secret` says which of the secrets signed it, counted from 0; null for one that was read back from the
 * forge's API. `id` is the forge's delivery id, or `sha256:<hex>` of the body where it sent none. */
export type Reading =
  | { kind: 'jobs'; id: string; event: string; secret: number | null; jobs: readonly ToldJob[] }
  | { kind: 'nudge'; id: string; event: string; secret: number | null }
  | { kind: 'ignored'; id: string; event: string; secret: number | null; reason: string }
  /** No or a wrong signature. Nothing was parsed. */
  | { kind: 'unauthorized' }
  /** Signed, but not JSON or not the shape of its event; `problem` names what is wrong and how to mend it. */
  | { kind: 'invalid'; problem: string }

/** What the forge can do here. Probed, not guessed from a version string; unknown until the first answer. */
export interface Capabilities {
  /** As the forge tells it, for people. */
  version: string | null
  /** It lists queued jobs (not Gitea 1.24, not a GitHub enterprise). */
  jobs: boolean
  /** It lists runners (not Forgejo up to 14). */
  runners: boolean
  /** It sends an event when a job is queued or started. */
  jobEvents: boolean
  hooks: boolean
  /** Each runner gets a registration of its own, or all share one token; null while nobody knows. */
  registration: 'each' | 'shared' | null
  /** Deliveries that got lost can be read back from it. */
  recovers: boolean
}

/** Which jobs are asked for. */
export interface JobQuery {
  /** All labels that any target offers. */
  labels: readonly string[]
  /**
   * Null asks for the whole scope. Else webhooks are believed to work, and these repositories (`owner/name`) have open jobs: a forge where
   * each repository costs calls of its own may ask for them alone (and for others in turn), and says so in its list.
   */
  only: readonly string[] | null
}

/** What came of reading lost deliveries back. */
export interface Recovered {
  /** Those that nobody had received, oldest first, read like any other. */
  readings: readonly Reading[]
  /** Where to go on the next time; opaque. Null where nothing can be read back. */
  watermark: string | null
  /** More may have been lost than could be read back: the whole scope is to be looked at. */
  gap: boolean
}

export interface RecoveryQuery {
  /** The id of our hook. */
  hook: string
  /** The watermark of the last time; null at the first. */
  since: string | null
  /** Which of these delivery ids were received. */
  received: (ids: readonly string[]) => Promise<ReadonlySet<string>>
}

/** What `muster check` wants to know of a forge. */
export interface CheckQuery {
  labels: readonly string[]
  /** The webhook that it should have; null where none is configured. */
  hook: Pick<HookWish, 'url' | 'events' | 'active'> | null
  /** Some dispatcher of the instance needs credentials of ours. */
  registers: boolean
  /** Each runner has a container or a machine of its own, wherever its job came from. */
  isolated: boolean
  /** Looks of the whole scope per hour while webhooks do not work, and beats per hour once they do. */
  looksPerHour: { polling: number; reconciling: number }
}

export interface RegisterRequest {
  name: string
  /** As written in the target, schemes included. */
  labels: readonly string[]
  handle: string | null
}

/** The webhook that an instance wants to have. */
export interface HookWish {
  url: string
  /** The first secret of the list: it signs new hooks. */
  secret: string
  /** What the configuration wishes; a forge drops what it does not know. */
  events: readonly string[]
  contentType: 'json'
  active: boolean
  /** The id under which our hook was last seen, and whether its secret is known to be `secret`. */
  known: { id: string; secretFits: boolean } | null
}

export interface HookState {
  id: string
  /** `kept` when nothing had to be done. */
  done: 'kept' | 'created' | 'repaired' | 'replaced'
  /** The events that the forge kept. */
  events: readonly string[]
  /** Things a person should know, in the forge's own words (events that were dropped, …). */
  notes: readonly string[]
}

/**
 * One configured forge with its scope: what speaks its API and its webhooks. It states facts and decides nothing.
 * Calls reject with the errors of `errors.ts`; reads are tried up to three times, each with its own deadline, writes never.
 */
export interface Forge {
  readonly kind: ForgeKind
  readonly labels: LabelRules
  /** How a round may be told apart: see `RoundRules`. */
  readonly rounds: RoundRules

  /** Verifies the bytes, then parses them. Never throws on any input. */
  read(delivery: RawDelivery): Promise<Reading>

  /** Asks the forge what it can do here. Rejects when it cannot be reached. */
  probe(signal: AbortSignal): Promise<Capabilities>

  /** Queued and running jobs of the scope, all pages. Null where the forge has no such list. */
  jobs(query: JobQuery, signal: AbortSignal): Promise<JobList | null>

  /** Runners of the scope, all pages. Null where the forge has no such list. */
  runners(signal: AbortSignal): Promise<RunnerList | null>

  /** Asks for the credential of one new runner. A rejection means that no runner can come of it. */
  register(request: RegisterRequest, signal: AbortSignal): Promise<Credential>

  /** Removes one of our idle runners; `busy` when the forge refuses because it works. Content when it is already gone. */
  unregister(runner: { id: string; name: string }, signal: AbortSignal): Promise<'removed' | 'busy'>

  /** Makes sure of exactly one webhook with our URL; hooks with another URL are never touched. Absent where the scope has no hooks API. */
  ensureHook?(wish: HookWish, signal: AbortSignal): Promise<HookState>

  /** Reads back what our hook failed to deliver. Absent where the forge keeps no deliveries that can be read. */
  recover?(query: RecoveryQuery, signal: AbortSignal): Promise<Recovered>

  /** Walks the real set-up, changing nothing: a finding for each thing looked at, each problem with its fix. Never rejects. */
  check?(query: CheckQuery, signal: AbortSignal): Promise<readonly Finding[]>
}

/** What a forge is given besides its own options. */
export interface ForgeContext {
  instance: string
  scope: Scope
  /** The webhook secrets in force now: any of them verifies. */
  secrets: () => readonly Secret[]
  clock: Clock
  /** Every finished call, for the metrics: the status, or `none` when there was no answer. */
  onCall: (status: number | 'none') => void
  /** What a forge that limits its callers allows now: calls of one window in all, and how many are left. */
  onQuota?: (quota: { limit: number; remaining: number }) => void
  /** Something a person should know that is no error: one plain sentence without a secret. */
  note: (sentence: string) => void
}

/** One kind of forge: what it can be configured with, and how it is made. */
export interface ForgeType<Options> {
  kind: ForgeKind
  labels: LabelRules
  levels: readonly Scope['level'][]
  create(options: Options, context: ForgeContext): Forge
}
