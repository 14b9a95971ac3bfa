import type { Dispatch } from './dispatch.ts'
import type { Job } from './job.ts'

/** A stretch of what happened to a job until a runner took it, as traces show it. */
export interface JobSpan {
  name: string
  /** Epoch milliseconds. */
  from: number
  to: number
  /** Short facts; those that are null are left out. */
  about: Readonly<Record<string, string | number | boolean | null>>
  inside: readonly JobSpan[]
}

/**
 * The way of a round from its delivery (or the look that found it) to its runner, told once it runs: one tree. `dispatches` are those of the
 * instance; null while the round has no start that we saw.
 */
export function jobSpans(job: Job, dispatches: readonly Dispatch[]): JobSpan | null {
  const { seenRunningAt: end } = job
  if (end === null) return null
  const from = Math.min(job.announcedAt ?? job.firstSeenAt, job.seenQueuedAt ?? end, end)
  const asked = dispatches.filter(({ job: asker, ran }) => isRound(asker, job) || isRound(ran, job))
  const about = {
    'muster.instance': job.instance,
    'muster.job': job.id,
    'muster.round': job.round,
    'muster.target': job.target,
    'muster.repository': job.repository,
    'muster.runner': job.runnerName,
  }
  return { name: 'job', from, to: end, about, inside: [found(job, from), ...asked.map((one) => way(one, job, end))] }
}

/** How it was heard of. */
function found(job: Job, at: number): JobSpan {
  const about = { 'muster.delivery': job.announcedBy }
  return { name: job.announcedAt === null ? 'look' : 'delivery', from: at, to: at, about, inside: [] }
}

/** From the wish for a runner to the job on it; what has no end yet ends with the job's start. */
function way(dispatch: Dispatch, job: Job, end: number): JobSpan {
  const { id, dispatcher, state, runner, runnerName, reason, intendedAt, sentAt, answeredAt, tiedAt } = dispatch
  const until = (at: number | null) => Math.min(at ?? end, end)
  const steps = [
    span('prepare', intendedAt, until(sentAt)),
    ...(sentAt === null ? [] : [span('launch', sentAt, until(answeredAt)), span('boot', sentAt, until(tiedAt))]),
    ...(tiedAt !== null && isRound(dispatch.ran, job) ? [span('pick up', tiedAt, end)] : []),
  ]
  const about = {
    'muster.dispatch': id,
    'muster.dispatcher': dispatcher,
    'muster.outcome': state,
    'muster.runner': runner ?? runnerName,
    'muster.reason': reason,
  }
  return { ...span('dispatch', intendedAt, end), about, inside: steps.filter(({ from, to }) => from <= to) }
}

function span(name: string, from: number, to: number): JobSpan {
  return { name, from, to, about: {}, inside: [] }
}

function isRound(one: { id: string; round: number } | null, { id, round }: Job): boolean {
  return one?.id === id && one.round === round
}
