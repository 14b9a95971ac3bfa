import { Draft } from './draft.ts'
import type { Changes, Facts } from './facts.ts'
import { clearIdled, forgetEnded, freeGone } from './gone.ts'
import type { Job } from './job.ts'
import { endSuperseded, expire, foldJobList, type JobRules, openRequeued } from './jobs-seen.ts'
import type { Look } from './look.ts'
import { countLost, type LossRules } from './lost.ts'
import { foldRunnerList } from './runners-seen.ts'
import { noteNamedRunners, spendStarts, tie } from './ties.ts'

export interface ReconcileRules extends JobRules {
  instance: string
  /** Whether the forge has a job list at all. */
  jobsListed: boolean
  /** The names of the dispatchers that can list what they run. */
  lists: ReadonlySet<string>
  host: string
  /** When the last complete look of runners before this turn began; null when there was none. */
  runnersSeenAt: number | null
  loss: LossRules
}

export interface Reconciled {
  facts: Facts
  changes: Changes
  /** Webhooks that were found lost in this turn. */
  lost: number
  runnersSeenAt: number | null
  /** Jobs that this turn first took for running. */
  started: readonly Job[]
}

/** Brings recorded facts up to date with what a look saw, or, without one, with what the deliveries since have told. */
export function reconcile(known: Facts, look: Look, now: number, rules: ReconcileRules): Reconciled {
  const draft = new Draft(rules.instance, known, now)
  const beganAt = look.jobs || look.runners ? look.beganAt : null
  const runnersSeenAt = look.runners?.complete ? look.beganAt : rules.runnersSeenAt

  if (look.jobs) foldJobList(draft, look.jobs, look.beganAt, rules)
  if (!rules.jobsListed) openRequeued(draft)
  endSuperseded(draft)
  expire(draft)
  if (look.runners) foldRunnerList(draft, look.runners, look.beganAt)
  noteNamedRunners(draft)
  tie(draft, rules.labels)
  const started = spendStarts(draft, rules.labels, beganAt)
  freeGone(draft, look.running, { lists: rules.lists, host: rules.host, runnersSeenAt, beganAt })
  forgetEnded(draft, beganAt)
  clearIdled(draft)
  const lost = countLost(draft, rules.loss)
  return { facts: draft.facts(), changes: draft.changes(), lost, runnersSeenAt, started }
}
