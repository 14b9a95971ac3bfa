import type { Clock } from '../clock.ts'
import type { Credential } from '../core/credential.ts'
import type { Finding } from '../core/finding.ts'
import type { RunningList } from '../core/look.ts'
import type { Scope } from '../core/scope.ts'

export type DispatcherKind = 'http' | 'process' | 'docker' | 'kubernetes' | 'nomad' | 'command'

/** What a kind is like: facts, for the core to decide with. */
export interface DispatcherTraits {
  /** Whose credentials its runners use: `ours` are asked of the forge before the launch, `own` are its own business. */
  credentials: 'ours' | 'own'
  /** Its runners bear the name that we give. */
  names: boolean
  /** It may be asked again with the same dispatch id and will start nothing twice. */
  askAgain: boolean
  /** It can stop a runner. */
  stops: boolean
  /** It can list what it runs. */
  lists: boolean
  /** What it runs lives on this host alone. */
  local: boolean
}

/** One request for one runner. Durations are milliseconds. */
export interface LaunchRequest {
  /** The dispatch id: the key under which it starts at most one runner. */
  id: string
  instance: string
  /** The name of the target that it is for. */
  target: string
  /** `<owner>-<id>`; used by the kinds that let us name runners. */
  name: string
  /** As written in the target, schemes included. */
  labels: readonly string[]
  ttl: number
  machineType: string | null
  image: string | null
  env: Readonly<Record<string, string>>
  scope: Scope
  /** `<instance>/<job id>` of the job that asked, for people's logs; null for `min_idle`. */
  job: string | null
  /** The repository (`owner/name`), the run and the delivery behind that job, as far as the forge tells them. */
  about: { repository: string | null; runId: string | null; delivery: string | null } | null
  /** Present for the kinds whose credentials are ours; never logged, stored or put into an argument list. */
  credential: Credential | null
}

export interface Launched {
  /** The name of the runner, where the dispatcher tells it. */
  name: string | null
}

/**
 * One place where runners run. It launches and states facts; when and how many is decided elsewhere.
 * A rejection is a `DispatchRefused` (definitely not started), a `DispatchUnanswered` (no answer for as long as a runner may live) or a
 * `DispatchUnknown` (it may have been started); anything else counts as unknown.
 */
export interface Dispatcher {
  readonly kind: DispatcherKind
  readonly traits: DispatcherTraits
  /**
   * Starts one runner and resolves when the start is accepted. A dispatcher that blocks resolves when its runner has ended;
   * the caller stops waiting for it, without ending the call, after its own timeout. Aborting the signal gives the call up.
   */
  launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched>
  /** Everything it runs for this owner, also what an earlier process of ours started. Only where `traits.lists`. */
  running?(signal: AbortSignal): Promise<RunningList>
  /** Ends a runner and is content when it is already gone. Only where `traits.stops`. */
  stop?(dispatchId: string, signal: AbortSignal): Promise<void>
  /** Calls `listener` when something it runs has ended, so that nobody needs to ask. */
  onEnd?(listener: () => void): void
  /** What is wrong with it as it is configured, and how to mend it; starts nothing. Never rejects. */
  check?(signal: AbortSignal): Promise<readonly Finding[]>
  /** Lets go: open calls are given up, timers end; runners that can live on without us do. */
  close?(): Promise<void>
}

/** What a dispatcher is given besides its own options. */
export interface DispatcherContext {
  /** Its name in the configuration. */
  name: string
  /** The mark of our runners. */
  owner: string
  clock: Clock
  /** Something a person should know that is no error: one plain sentence without a secret. */
  note: (sentence: string) => void
}

/** One kind of dispatcher: how it is made. */
export interface DispatcherType<Options> {
  kind: DispatcherKind
  create(options: Options, context: DispatcherContext): Dispatcher
}
