/** When to try again. Keyed by what failed; gone once it went well. */
export interface Backoff {
  key: string
  /** The instance it belongs to; empty for a dispatcher, which all instances share. */
  instance: string
  /** Failures in a row. */
  failures: number
  /** Epoch milliseconds before which it is not tried again. */
  until: number
}

const second = 1_000
const minute = 60_000

/** 1, 2, 4 … 30 s: after a refusal, and between the probes of an open breaker. */
export function shortDelay(failures: number): number {
  return Math.min(30, 2 ** Math.min(Math.max(failures, 1) - 1, 10)) * second
}

/** 1, 2, 4 … 30 min: after a runner idled out for a job. */
export function longDelay(failures: number): number {
  return Math.min(30, 2 ** Math.min(Math.max(failures, 1) - 1, 10)) * minute
}

/** A dispatcher's breaker is open from this many refused or unknown outcomes in a row. */
export const breakerTrips = 3

/** Since when a breaker is open, or when its last probe was let through; null while it is closed. */
export function openedAt({ failures, until }: Backoff): number | null {
  return failures < breakerTrips ? null : until - shortDelay(failures - breakerTrips + 1)
}

export const backoffKey = {
  /** Begins the keys of the refusals of one round. */
  refusedRound: (instance: string, job: { id: string; round: number }) =>
    `refused/${instance}/job/${job.id}/${job.round}/`,
  /** This dispatcher refused this round. */
  refusedJob: (instance: string, job: { id: string; round: number }, dispatcher: string) =>
    `${backoffKey.refusedRound(instance, job)}${encodeURIComponent(dispatcher)}`,
  /** This dispatcher refused a runner for `min_idle`. */
  refusedTarget: (instance: string, target: string, dispatcher: string) =>
    `refused/${instance}/target/${target}/${encodeURIComponent(dispatcher)}`,
  /** The start of a request of the dispatcher API at this dispatcher failed before it was sent. */
  refusedRequest: (instance: string, id: string, dispatcher: string) =>
    `refused/${instance}/request/${id}/${encodeURIComponent(dispatcher)}`,
  /** A runner idled out for this round. */
  idledJob: (instance: string, job: { id: string; round: number }) => `idled/${instance}/job/${job.id}/${job.round}`,
  breaker: (dispatcher: string) => `breaker/${dispatcher}`,
}
