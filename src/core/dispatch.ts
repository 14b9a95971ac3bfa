/** A dispatch is a row before it is a call; `sent` is committed before the first byte. */
export type DispatchState = 'intended' | 'sent' | 'accepted' | 'refused' | 'unknown'

export type GoneReason =
  | 'refused'
  | 'never_sent'
  | 'job_finished'
  | 'not_running'
  | 'runner_gone'
  | 'never_seen'
  | 'answered'
  | 'released'
  | 'stopped'
  | 'freed_without_proof'

/** The dispatcher before refused, was held back by its breaker, or had no room. */
export type Instead = 'refused' | 'down' | 'max_parallel'

/** One request for one runner. Until `coversUntil` it covers a job; until it is gone it counts toward `max`. */
export interface Dispatch {
  id: string
  instance: string
  target: string
  dispatcher: string
  /** Why it is not the first dispatcher of its target; null where it is. */
  instead: Instead | null
  /** The round that asked for it; null when it was made for `min_idle` or a caller of the dispatcher API. */
  job: { id: string; round: number } | null
  /** Binds the runner to that round alone (Forgejo 15 and later). */
  handle: string | null
  state: DispatchState
  /** The target's labels as written, and what they offer, at the moment of the intent. */
  labels: readonly string[]
  offers: readonly string[]
  /** True when the runner bears the name that we give it. */
  named: boolean
  /** The name we gave, or the one that the dispatcher answered; null until it is known. */
  runnerName: string | null
  /** The host that alone can prove its absence (local kinds); null for the others. */
  host: string | null
  /** Milliseconds, as they were at the intent. */
  ttl: number
  bootTimeout: number
  idleTimeout: number
  intendedAt: number
  sentAt: number | null
  /** When its outcome became known, `unknown` included; null while it is not. */
  answeredAt: number | null
  /** The answer came after the dispatcher's timeout: with its start, or only with its runner's end. */
  late: boolean
  /** The name of the runner it is tied to, and how that was found. */
  runner: string | null
  tiedBy: 'name' | 'inference' | null
  tiedAt: number | null
  /** The round that started on its runner. */
  ran: { id: string; round: number } | null
  /** Its cover was ended before its time: a fitting job started on a runner that nobody knows. */
  coverEndedAt: number | null
  /** The round of that job. */
  coverEndedBy: { id: string; round: number } | null
  goneAt: number | null
  goneReason: GoneReason | null
  /** What the dispatcher said when it refused, or why the outcome is unknown; scrubbed, at most 256 characters. */
  reason: string | null
  version: number
}

/** Until when an untied dispatch covers a job, epoch milliseconds. One not yet sent covers without end. */
export function coversUntil(dispatch: Dispatch): number {
  if (dispatch.goneAt !== null) return 0
  if (dispatch.coverEndedAt !== null) return dispatch.coverEndedAt
  return dispatch.sentAt === null ? Number.POSITIVE_INFINITY : dispatch.sentAt + dispatch.bootTimeout
}

/** True while the runner has not shown itself and may still be believed to come. */
export function isPending(dispatch: Dispatch, now: number): boolean {
  return dispatch.goneAt === null && dispatch.runner === null && now < coversUntil(dispatch)
}

/** The name that we give a runner. The configuration keeps `owner` short enough for 40 characters in all. */
export function runnerName(owner: string, dispatchId: string): string {
  return `${owner}-${dispatchId}`
}
