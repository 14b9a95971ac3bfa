import { isAhead, type Job, type ToldJob, type Unassigned } from './job.ts'

/** A told job with the target that was found for it. */
export interface DeliveredJob {
  told: ToldJob
  target: string | null
  unassigned: Unassigned | null
}

/** How a delivery came, for the moments it leaves on a job. */
export interface DeliveryMoment {
  instance: string
  /** The forge's id of it. */
  id: string
  at: number
  via: 'http' | 'recovered'
}

/** A new round, with nothing known but what was told. `at` is when we saw it. */
export function openRound(
  instance: string,
  round: number,
  { told, target, unassigned }: DeliveredJob,
  at: number,
): Job {
  return {
    ...told,
    instance,
    round: told.attempt ?? round,
    target,
    unassigned,
    firstSeenAt: at,
    seenQueuedAt: told.state === 'queued' ? at : null,
    seenRunningAt: told.state === 'running' ? at : null,
    seenFinishedAt: told.state === 'finished' ? at : null,
    deliveredAt: null,
    announcedAt: null,
    announcedBy: null,
    recoveredAt: null,
    announcedQueued: false,
    listedAt: null,
    confirmedAt: null,
    lostAt: null,
    requeuedAt: null,
    doubtedAt: null,
    startSpent: false,
    dispatches: 0,
    version: 0,
  }
}

/** Moves a round forward to what was told; what is behind or the same only fills in what was not known. */
export function advance(job: Job, { told, target, unassigned }: DeliveredJob, at: number): Job {
  const ahead = isAhead(told.state, job.state)
  return {
    ...job,
    state: ahead ? told.state : job.state,
    conclusion: told.conclusion ?? job.conclusion,
    name: told.name || job.name,
    labels: job.labels.length > 0 ? job.labels : told.labels,
    handle: told.handle ?? job.handle,
    attempt: told.attempt ?? job.attempt,
    repository: told.repository ?? job.repository,
    repositoryId: told.repositoryId ?? job.repositoryId,
    runId: told.runId ?? job.runId,
    url: told.url ?? job.url,
    // A queued event may carry a runner (GitHub's own example does): only a start names one that counts.
    runnerName:
      told.state === 'running' || told.state === 'finished' ? (told.runnerName ?? job.runnerName) : job.runnerName,
    queuedAt: job.queuedAt ?? told.queuedAt,
    startedAt: told.startedAt ?? job.startedAt,
    finishedAt: told.finishedAt ?? job.finishedAt,
    target: job.target ?? target,
    unassigned: job.target === null && target === null ? unassigned : null,
    seenQueuedAt: job.seenQueuedAt ?? (told.state === 'queued' ? at : null),
    seenRunningAt: job.seenRunningAt ?? (told.state === 'running' ? at : null),
    seenFinishedAt: job.seenFinishedAt ?? (told.state === 'finished' ? at : null),
  }
}

/** Whether `told` speaks of the same attempt as `job`, where the forge names attempts. */
export function compareRound(job: Job, told: ToldJob): 'same' | 'older' | 'newer' {
  if (told.attempt !== null && job.attempt !== null) {
    if (told.attempt === job.attempt) return 'same'
    return told.attempt > job.attempt ? 'newer' : 'older'
  }
  const otherHandle = told.handle !== null && job.handle !== null && told.handle !== job.handle
  return otherHandle ? 'newer' : 'same'
}

/**
 * Folds one delivered job into the newest known round and answers the row to write, or null when there is nothing to write.
 * A delivery only moves a round forward: one that calls a finished round queued again is kept as `requeuedAt`, for the next turn to judge.
 */
export function foldDelivery(known: Job | null, delivered: DeliveredJob, moment: DeliveryMoment): Job | null {
  const { told } = delivered
  const announce = (job: Job): Job => ({
    ...job,
    deliveredAt: moment.at,
    announcedAt: job.announcedAt ?? (moment.via === 'http' ? moment.at : null),
    announcedBy: job.announcedAt === null && moment.via === 'http' ? moment.id : job.announcedBy,
    recoveredAt: job.recoveredAt ?? (moment.via === 'recovered' ? moment.at : null),
    announcedQueued: job.announcedQueued || told.state === 'queued',
  })
  if (known === null) return announce(openRound(moment.instance, 1, delivered, moment.at))
  const round = compareRound(known, told)
  if (round === 'older') return null
  if (round === 'newer') return announce(openRound(moment.instance, known.round + 1, delivered, moment.at))
  if (known.state === 'finished' && told.state === 'queued') {
    // GitHub re-queues without an event: what is read back is the round's own, which got lost.
    const recoveredAt = moment.via === 'recovered' ? moment.at : known.recoveredAt
    return { ...known, deliveredAt: moment.at, requeuedAt: moment.at, recoveredAt }
  }
  return announce(advance(known, delivered, moment.at))
}
