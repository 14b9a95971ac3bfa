/** Why a job has, or has not, a runner. The list is closed. */
export const verdictKinds = [
  'dispatching',
  'covered',
  'running',
  'full',
  'unmatched',
  'not_allowed',
  'backoff',
  'dispatcher_down',
  'waiting',
  'paused',
  'stuck',
  'backlog_cap',
] as const

export type VerdictKind = (typeof verdictKinds)[number]

export interface Verdict {
  kind: VerdictKind
  target: string | null
  /** A short word that narrows it (`repository_unknown`, `refused`, `idled_out`, `max`, `max_parallel`, `fallback_refused`, …); null where the kind says all. */
  reason: string | null
  /** The runner or the dispatch that covers it; null where none does. */
  by: { runner: string } | { dispatch: string } | null
  /** Which dispatcher is asked for its runner, or was; null where none is. */
  dispatcher: string | null
  /** Epoch milliseconds at which it may change by itself; null where only an event can. */
  until: number | null
}
