import type { Told } from './explain.ts'
import type { Verdict } from './verdict.ts'
import { inWhile } from './wording.ts'

/** What will happen next to a job, and when. */
export interface NextStep {
  /** A plain sentence; null where the job is over. */
  sentence: string | null
  /** Epoch milliseconds; null where only an event can change it. */
  at: number | null
}

/** What follows from the verdict by itself, or what somebody has to do. `nextLookAt` is null where no look is planned. */
export function nextStep(told: Told, nextLookAt: number | null): NextStep {
  const { job, verdict, now, circumstances, dryRun } = told
  if (job.state === 'finished') return { sentence: null, at: null }
  if (job.state === 'running') return { sentence: 'the forge tells when it is over', at: null }
  if (verdict === null) return { sentence: 'the next turn says why it waits; it follows at once', at: now }
  if (verdict.kind === 'dispatching' && dryRun) return { sentence: 'nothing, until dry_run is turned off', at: null }
  const at = verdict.until ?? (verdict.kind === 'full' ? circumstances.oldestEndsAt : null)
  const look = nextLookAt === null ? '' : `; the next look is at ${inWhile(nextLookAt, now)}`
  return { sentence: `${steps[verdict.kind](told, verdict)}${look}`, at }
}

const steps: Record<Verdict['kind'], (told: Told, verdict: Verdict) => string> = {
  dispatching: () => 'its dispatcher starts the runner, which takes the job once it is up',
  covered({ now }, { by, reason, until }) {
    if (reason === 'look_owed') return 'the look says whether the job is over; else another runner is asked for'
    if (reason === 'events_awaited') return 'if they do not come, another runner is asked for'
    if (until === null) return 'the runner takes the job'
    const late = by && 'runner' in by ? 'has not taken it' : 'has not shown itself'
    return `the runner takes the job; if it ${late} by ${inWhile(until, now)}, another is asked for`
  },
  running: () => 'the forge tells when it is over',
  full: ({ job }, { reason }) =>
    reason === 'max_parallel'
      ? 'a runner is asked for once another one of this dispatcher has ended'
      : `a runner is asked for once one of target ${job.target} has ended and no job is ahead`,
  unmatched: ({ job }) =>
    job.target === null
      ? 'nothing, until a target offers all its labels or the workflow asks for others (runs-on)'
      : 'the next look finds it another target, or none',
  not_allowed: (_, { reason }) =>
    reason === 'repository_unknown'
      ? 'a look or a webhook may tell its repository'
      : 'nothing, until allow_repos lets its repository in',
  backoff: () => 'another runner is asked for then',
  dispatcher_down: () => 'one job is let through as a probe then; the first start that goes well lets all through',
  waiting: () => 'it is queued once the forge says so',
  paused: ({ job }) => `nothing, until somebody resumes instance ${job.instance}`,
  stuck: (_, { until }) =>
    until === null
      ? 'nothing, until somebody retries it'
      : 'one more runner is asked for then, or once somebody retries it',
  backlog_cap: () => 'it is taken up once jobs before it have ended',
}
