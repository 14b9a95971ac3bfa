import type { Draft } from './draft.ts'
import type { Job } from './job.ts'

export interface LossRules {
  /** Milliseconds; how long after a look listed a job its webhook may still come. */
  grace: number
  /** When the first look of this process began; null before it. What it finds is never a loss. */
  firstLookAt: number | null
  /** The first job event over HTTP of this process; null before it. */
  firstJobEventAt: number | null
  /** When deliveries were first read back by this process; null before that. Those were lost while nobody listened. */
  firstRecoveredAt: number | null
  /** Nothing listed before the first job event is a loss: so wherever polling was on at start, and on a Forgejo. */
  needsJobEvent: boolean
}

/** Counts each round once of which a webhook did not come: queued in a complete look and unannounced `grace` later, or read back from the forge. Answers how many were counted now. */
export function countLost(draft: Draft, rules: LossRules): number {
  const lost = draft.jobs.filter((job) => isLost(job, draft.now, rules))
  for (const job of lost) {
    draft.setJob({ ...job, lostAt: draft.now })
    draft.tell('webhook_lost', { job, target: job.target })
  }
  return lost.length
}

function isLost(job: Job, now: number, rules: LossRules): boolean {
  return wasReadBack(job, rules) || (isUnannounced(job, rules) && now >= job.listedAt! + rules.grace)
}

function wasReadBack(job: Job, { firstRecoveredAt, firstJobEventAt, needsJobEvent }: LossRules): boolean {
  if (job.recoveredAt === null || job.lostAt !== null) return false
  if (firstRecoveredAt === null || job.recoveredAt <= firstRecoveredAt) return false
  return !needsJobEvent || (firstJobEventAt !== null && job.recoveredAt >= firstJobEventAt)
}

/** A round that will be counted as lost unless a webhook announces it. */
function isUnannounced(job: Job, { firstLookAt, firstJobEventAt, needsJobEvent }: LossRules): boolean {
  if (job.listedAt === null || job.announcedAt !== null || job.lostAt !== null) return false
  if (firstLookAt === null || job.listedAt <= firstLookAt) return false
  return !needsJobEvent || (firstJobEventAt !== null && job.listedAt >= firstJobEventAt)
}

/** When the next unannounced round becomes a loss; null when none will. */
export function nextLossAt(jobs: readonly Job[], now: number, rules: LossRules): number | null {
  const due = jobs.filter((job) => isUnannounced(job, rules)).map((job) => job.listedAt! + rules.grace)
  const ahead = due.filter((at) => at > now)
  return ahead.length > 0 ? Math.min(...ahead) : null
}
