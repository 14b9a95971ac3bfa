import type { Draft } from './draft.ts'
import { advance, compareRound, openRound } from './intake.ts'
import { type Job, jobKey, type ToldJob } from './job.ts'
import { boundedLabels } from './label-limits.ts'
import { fits, type LabelRules } from './labels.ts'
import type { JobList } from './look.ts'
import { assign } from './match.ts'
import type { RoundRules } from './rounds.ts'
import type { Target } from './target.ts'

/** A forge's lists lag behind its webhooks (GitHub's by up to 20 s): so long after a job's last event they are believed against it. */
export const listLag = 60_000

const day = 24 * 60 * 60_000

export interface JobRules {
  targets: readonly Target[]
  labels: LabelRules
  rounds: RoundRules
}

/** Folds a job list in: new jobs, jobs that moved on, new rounds; and, where it is whole, jobs that are over. */
export function foldJobList(draft: Draft, list: JobList, beganAt: number, rules: JobRules): void {
  const listed = new Set<string>()
  for (const told of list.jobs) {
    const job = foldListed(draft, told, list, beganAt, rules)
    if (job) listed.add(jobKey(job))
  }
  for (const job of draft.jobs) {
    if (listed.has(jobKey(job)) || !isWhole(list, job) || !isInside(job, list, rules.labels)) continue
    if (job.state === 'queued' || job.state === 'running') finishUnlisted(draft, job, beganAt)
    else if (job.requeuedAt !== null && isAnswered(job, beganAt, rules)) draft.setJob({ ...job, requeuedAt: null })
  }
}

function foldListed(draft: Draft, listed: ToldJob, list: JobList, beganAt: number, rules: JobRules): Job | null {
  const told = { ...listed, labels: boundedLabels(listed.labels) }
  const assignment = assign(told, rules.targets, rules.labels)
  const known = draft.newest(told.id)
  if ('hosted' in assignment) return known
  const delivered = { told, ...assignment }
  const round = known ? compareRound(known, told) : 'newer'
  if (known && round === 'older') return known
  if (!known || round === 'newer' || opensRound(known, told, list, beganAt, rules)) {
    const opened = openRound(draft.instance, (known?.round ?? 0) + 1, delivered, draft.now)
    const job = confirmed({ ...opened, announcedAt: announcedAgainAt(known) }, told, list, beganAt)
    if (known?.requeuedAt) draft.setJob({ ...known, requeuedAt: null })
    if (known) draft.tell('round_opened', { job, target: job.target })
    draft.setJob(job)
    return job
  }
  const job = confirmed(advance(placed(known, rules), delivered, draft.now), told, list, beganAt)
  draft.setJob(job)
  return job
}

/** A round that waits at a target that is configured no more is matched anew: it was recorded by another configuration. */
function placed(job: Job, { targets }: JobRules): Job {
  const isKept = job.state === 'running' || job.state === 'finished' || targets.some(({ name }) => name === job.target)
  return isKept ? job : { ...job, target: null }
}

/** When a delivery over HTTP called a finished round queued again; what was read back announces nothing. */
function announcedAgainAt(known: Job | null): number | null {
  return known === null || known.requeuedAt === known.recoveredAt ? null : known.requeuedAt
}

/** A complete look that lists a started or finished round as queued proves a new one, when it began late enough after the last event. */
function opensRound(known: Job, told: ToldJob, list: JobList, beganAt: number, { rounds }: JobRules): boolean {
  // The same handle is the same attempt, whatever else a list says.
  if (told.handle !== null && told.handle === known.handle) return false
  if (rounds.requeue === 'soon' && known.requeuedAt !== null && beganAt >= known.requeuedAt) {
    return known.state === 'finished' && (told.state === 'queued' || told.state === 'running')
  }
  if (told.state !== 'queued' || !isWhole(list, told)) return false
  return (known.state === 'running' || known.state === 'finished') && beganAt >= lastEventAt(known) + listLag
}

function confirmed(job: Job, told: ToldJob, list: JobList, beganAt: number): Job {
  const listedAt = told.state === 'queued' && job.state === 'queued' && isWhole(list, told) ? beganAt : null
  const doubtedAt = job.doubtedAt !== null && beganAt > job.doubtedAt ? null : job.doubtedAt
  return { ...job, listedAt: job.listedAt ?? listedAt, confirmedAt: beganAt, doubtedAt }
}

/** Whether the list shows every open job where this one is. One repository that cannot be read takes nothing from the others. */
function isWhole({ complete, repositories }: JobList, { repository }: Pick<ToldJob, 'repository'>): boolean {
  return complete || (repository !== null && repositories?.has(repository.toLowerCase()) === true)
}

/** What a filtered list does not show proves nothing about jobs outside its filter. */
function isInside(job: Job, { filter, repositories }: JobList, rules: LabelRules): boolean {
  const asked = repositories === undefined || job.repository === null || repositories.has(job.repository.toLowerCase())
  return asked && (filter === null || fits(job.labels, filter, rules))
}

function finishUnlisted(draft: Draft, job: Job, beganAt: number): void {
  const proven = job.deliveredAt === null ? beganAt > job.firstSeenAt : beganAt >= job.deliveredAt + listLag
  if (proven) draft.setJob({ ...job, state: 'finished', seenFinishedAt: draft.now })
}

/** The look that was owed for "queued again" has come, and does not list the job. */
function isAnswered(job: Job, beganAt: number, { rounds }: JobRules): boolean {
  const from = rounds.requeue === 'soon' ? job.requeuedAt! : lastEventAt(job) + listLag
  return beganAt >= from
}

function lastEventAt(job: Job): number {
  return Math.max(job.deliveredAt ?? 0, job.seenRunningAt ?? 0, job.seenFinishedAt ?? 0)
}

/** A job runs one round at a time: when a newer one is known, the older ones are over, whatever was not told of them. */
export function endSuperseded(draft: Draft): void {
  for (const job of draft.jobs) {
    if (job.state === 'finished' || draft.newest(job.id)!.round === job.round) continue
    draft.setJob({ ...job, state: 'finished', seenFinishedAt: draft.now, startSpent: true })
  }
}

/**
 * Where the forge has no job list, a `queued` for a finished round is all that tells of a re-run: it opens one at once when the finished
 * round had had its own `queued`, else when the finish is older than the lag by which it might just have come late.
 */
export function openRequeued(draft: Draft): void {
  for (const job of draft.jobs) {
    if (job.requeuedAt === null || job.state !== 'finished') continue
    const due = job.announcedQueued ? job.requeuedAt : (job.seenFinishedAt ?? 0) + listLag
    if (draft.now < due) continue
    const { target, unassigned, requeuedAt } = job
    const told: ToldJob = {
      ...job,
      state: 'queued',
      conclusion: null,
      runnerName: null,
      startedAt: null,
      finishedAt: null,
    }
    const opened = openRound(draft.instance, job.round + 1, { told, target, unassigned }, requeuedAt)
    draft.setJob({ ...job, requeuedAt: null })
    draft.setJob({
      ...opened,
      round: job.round + 1,
      deliveredAt: requeuedAt,
      announcedAt: requeuedAt,
      announcedQueued: true,
    })
    draft.tell('round_opened', { job: opened, target })
  }
}

/** A job queued for a day that the forge never confirmed since is over: every forge has cancelled it by then. */
export function expire(draft: Draft): void {
  for (const job of draft.jobs) {
    if (job.state !== 'queued') continue
    const lastTold = Math.max(job.firstSeenAt, job.deliveredAt ?? 0, job.confirmedAt ?? 0)
    if (draft.now < lastTold + day) continue
    draft.setJob({ ...job, state: 'finished', conclusion: 'expired', seenFinishedAt: draft.now, startSpent: true })
  }
}
