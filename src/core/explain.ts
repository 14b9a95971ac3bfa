import type { Backoff } from './backoff.ts'
import { coversUntil, type Dispatch } from './dispatch.ts'
import type { StoredEvent } from './event.ts'
import type { Job } from './job.ts'
import type { LabelRules } from './labels.ts'
import { lackingOffer } from './offers.ts'
import type { Runner } from './runner.ts'
import type { Target } from './target.ts'
import type { Verdict } from './verdict.ts'
import { hasRun, type Waits, waitsOf } from './waits.ts'
import { inWhile, list, moment, plural, span } from './wording.ts'

/** What stands around a job, as recorded: the numbers that its verdict rests on. */
export interface Circumstances {
  /** Dispatches of its target that are not gone. */
  live: number
  /** Of those, how many are for rounds whose runner idled out before. */
  retries: number
  /** Jobs of its target that wait longer for the same room. */
  ahead: number
  /** When the first of the live ones must be over by its `ttl`; null where none is under way. Epoch milliseconds. */
  oldestEndsAt: number | null
  /** Live dispatches of the dispatcher that the verdict names, over all instances. */
  ofDispatcher: number
  /** What covers it, where the verdict says so. */
  dispatch: Dispatch | null
  runner: Runner | null
  backoffs: { refused: Backoff | null; idled: Backoff | null; breaker: Backoff | null }
  /** Who paused its instance, when and why; null where it is not paused. */
  paused: { at: number; by: string | null; reason: string | null } | null
}

/** One job, with all that its story is told from. */
export interface Told {
  now: number
  job: Job
  verdict: Verdict | null
  /** Its events, oldest first. */
  trail: readonly StoredEvent[]
  circumstances: Circumstances
  targets: readonly Target[]
  rules: LabelRules
  /** `max_parallel` of the dispatcher that the verdict names; null is without limit. */
  maxParallel: number | null
  dryRun: boolean
}

/** Why this job has, or has not, a runner: one plain sentence with the numbers that made it. For a job that is over: how it went. */
export function explain(told: Told): string {
  const { job, verdict, trail, now } = told
  const waits = waitsOf(job, trail, now)
  if (job.state === 'finished') return over(job, waits)
  if (job.state === 'running') return running(told, waits)
  if (verdict === null) return 'it has just come: no turn has seen it yet'
  return sentences[verdict.kind](told, verdict)
}

type Sentence = (told: Told, verdict: Verdict) => string

const sentences: Record<Verdict['kind'], Sentence> = {
  dispatching({ dryRun }, verdict) {
    const place = `dispatcher ${verdict.dispatcher}`
    return dryRun
      ? `a runner would be asked for at ${place}, but for dry_run`
      : `a runner is being asked for at ${place}${instead(verdict)}`
  },
  covered,
  running: (told) => running(told, waitsOf(told.job, told.trail, told.now)),
  full,
  unmatched: ({ job, targets, rules }) =>
    job.target === null
      ? lackingOffer(job.labels, targets, rules)
      : `its target ${job.target} is no longer configured, and the next look finds it another`,
  not_allowed({ job, targets }, { reason }) {
    const fitting = targets.filter(({ allowRepos }) => allowRepos.length > 0).map(({ name }) => name)
    const who = fitting.length === 1 ? `target ${fitting[0]}` : 'targets'
    return reason === 'repository_unknown'
      ? `${who} may take it only from some repositories (allow_repos), and nobody told of which repository it is`
      : `allow_repos of ${who} does not let ${job.repository} in`
  },
  backoff({ job, trail, circumstances, now }, { reason, until }) {
    const then = until === null ? 'soon' : inWhile(until, now)
    if (reason === 'idled_out') {
      const times = circumstances.backoffs.idled?.failures ?? 1
      return `${plural(times, 'runner')} waited for it in vain and ended idle; the next one is asked for at ${then}`
    }
    const refusal = trail.findLast(({ type }) => type === 'dispatch_refused')
    const times = circumstances.backoffs.refused?.failures ?? 1
    const said = refusal?.detail.reason ? `: ${refusal.detail.reason}` : ''
    const who = targetOf(job)
    return `its runner was refused ${plural(times, 'time')}${said}; ${who} asks again at ${then}`
  },
  dispatcher_down({ circumstances, now }, { reason, until }) {
    const times = circumstances.backoffs.breaker?.failures ?? 3
    const then = until === null ? 'soon' : inWhile(until, now)
    return `dispatcher ${reason} is down: it failed ${plural(times, 'time')} in a row; the next try is at ${then}`
  },
  waiting: () => 'it waits at the forge: for other jobs, for its concurrency group, or for an approval',
  paused({ job, circumstances: { paused }, now }) {
    const who = paused?.by ? ` by ${paused.by} since ${moment(paused.at, now)}` : ''
    const why = paused?.reason ? ` (${paused.reason})` : ''
    return `instance ${job.instance} is paused${who}${why}: nothing is dispatched for it`
  },
  stuck({ job, now }, { until }) {
    const more = until === null ? '' : `; one more may be asked for at ${inWhile(until, now)}`
    return `${plural(job.dispatches, 'runner')} came to nothing for it, and that is as many as it may have${more}`
  },
  backlog_cap: ({ job }) => `it is kept for later: ${targetOf(job)} has as long a queue as it may have`,
}

function covered({ circumstances, now }: Told, verdict: Verdict): string {
  const { dispatch, runner } = circumstances
  const { reason, until } = verdict
  if (reason === 'look_owed') return 'a runner that was asked for it has ended, and a look will tell whether it had run'
  if (reason === 'events_awaited')
    return 'a runner that was asked for it has ended where no look can tell: its own events get 10 s to come'
  if (runner || (verdict.by && 'runner' in verdict.by)) {
    const name = runner?.name ?? (verdict.by as { runner: string }).runner
    const by = until === null ? '' : `; it is believed to take the job until ${moment(until, now)}`
    return `runner ${name} is idle and offers its labels${by}`
  }
  return dispatch ? coming(dispatch, verdict, now) : 'a runner is on its way to it'
}

/** A runner that has not shown itself. */
function coming(dispatch: Dispatch, verdict: Verdict, now: number): string {
  const { state, dispatcher, sentAt, runnerName } = dispatch
  const where = `dispatcher ${dispatcher}${instead(verdict)}`
  const since = sentAt === null ? '' : ` ${span(now - sentAt)} ago`
  const name = runnerName === null ? 'its runner' : `runner ${runnerName}`
  const until = coversUntil(dispatch)
  const patience = Number.isFinite(until) ? `; it has until ${moment(until, now)} to show itself` : ''
  switch (state) {
    case 'intended':
      return `${name} is about to be asked for at ${where}`
    case 'sent':
      return `${name} was asked for at ${where}${since}, and it has not answered yet${patience}`
    case 'unknown':
      return `${name} was asked for at ${where}${since}, and nobody knows whether it was started${patience}`
    default:
      return `${name} is booting: ${where} was asked for it${since}${patience}`
  }
}

function full({ job, targets, circumstances, maxParallel, now }: Told, { reason, dispatcher }: Verdict): string {
  const { live, retries, ahead, oldestEndsAt, ofDispatcher } = circumstances
  const max = targets.find(({ name }) => name === job.target)?.max ?? live
  const ends = oldestEndsAt === null ? [] : [`the oldest runner ends by ${moment(oldestEndsAt, now)}`]
  const before = ahead === 0 ? 'no job is ahead' : ahead === 1 ? '1 job is ahead' : `${ahead} jobs are ahead`
  switch (reason) {
    case 'retries':
      return `runners idled out for such jobs before, and they may take ${Math.max(1, Math.floor(max / 2))} of the ${max} runners of ${targetOf(job)}: ${list([plural(retries, 'such runner'), ...ends])}`
    case 'max_parallel':
      return maxParallel === null
        ? `a limit that others share is reached: ${list([`${live} of ${max} runners of ${targetOf(job)} live`, ...ends])}`
        : `dispatcher ${dispatcher} is full: ${[`${ofDispatcher} of ${maxParallel} runners live (max_parallel)`, ...ends].join(', ')}`
    default:
      return `${targetOf(job)} is full: ${[`${live} of ${max} runners live`, before, ...ends].join(', ')}`
  }
}

function running({ job, now }: Told, waits: Waits): string {
  const where = job.runnerName === null ? 'a runner that nobody named' : job.runnerName
  const since = job.startedAt ?? job.seenRunningAt
  const from = since === null ? '' : ` since ${moment(since, now)}`
  const before = ways(waits, false)
  return `it runs on ${where}${from}${before.length > 0 ? `: it ${list(before)}` : ''}`
}

/** `waited 4 s, booted in 12 s, ran 3 min on muster-abc, success` */
function over(job: Job, waits: Waits): string {
  const where = job.runnerName === null ? '' : ` on ${job.runnerName}`
  const ran = hasRun(job) ? [`ran ${waits.run === null ? '' : span(waits.run)}${where}`.trim()] : ['never ran']
  const end = job.conclusion ?? 'the forge did not say how it ended'
  return [...ways(waits, true), ...ran, end].join(', ')
}

function ways({ queue, boot }: Waits, isOver: boolean): string[] {
  return [
    ...(queue === null ? [] : [`waited ${span(queue)}`]),
    ...(boot === null ? [] : [isOver ? `booted in ${span(boot)}` : `its runner booted in ${span(boot)}`]),
  ]
}

function targetOf({ target }: Pick<Job, 'target'>): string {
  return `target ${target}`
}

/** Why it is not the first dispatcher of its target. */
function instead({ reason }: Verdict): string {
  switch (reason) {
    case 'fallback_refused':
      return ' (the one before refused this job)'
    case 'fallback_down':
      return ' (the one before is down)'
    case 'fallback_max_parallel':
      return ' (the one before has no room)'
    default:
      return ''
  }
}
