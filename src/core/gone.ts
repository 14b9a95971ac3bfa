import { backoffKey, longDelay } from './backoff.ts'
import { coversUntil, type Dispatch } from './dispatch.ts'
import type { Draft } from './draft.ts'
import type { Job } from './job.ts'
import type { Look, TimedRunningList } from './look.ts'
import type { Runner } from './runner.ts'
import { mistook } from './ties.ts'

const minute = 60_000

export interface GoneRules {
  /** The names of the dispatchers that can list what they run. */
  lists: ReadonlySet<string>
  /** This host: it alone proves the absence of what a local dispatcher ran here. */
  host: string
  /** When the last complete look of runners began, this turn's included; null when there was none. */
  runnersSeenAt: number | null
  /** When this turn's look began; null when it has none. */
  beganAt: number | null
}

/** Frees the slots of dispatches whose runner is gone for sure, and of those that nobody can ever prove. */
export function freeGone(draft: Draft, running: Look['running'], rules: GoneRules): void {
  for (const dispatch of draft.dispatches) {
    if (dispatch.sentAt === null) continue
    const list = rules.lists.has(dispatch.dispatcher) ? running.get(dispatch.dispatcher) : undefined
    if (list?.dispatches.includes(dispatch.id)) continue
    const reason = goneReason(draft, dispatch, list, rules)
    if (reason === null) continue
    noteIdledOut(draft, dispatch)
    doubt(draft, dispatch)
    draft.free(dispatch, reason)
  }
}

function goneReason(draft: Draft, dispatch: Dispatch, list: TimedRunningList | undefined, rules: GoneRules) {
  if (list && provesAbsence(list, dispatch, draft.now, rules)) return 'not_running'
  if (!rules.lists.has(dispatch.dispatcher)) {
    const ran = draft.job(dispatch.ran)
    const runner = draft.runner(dispatch.runner)
    if (ran?.state === 'finished' && worksOn(runner, ran, rules)) return mistook(draft, dispatch)
    if (ran?.state === 'finished') return 'job_finished'
    // Once listed, now missing from a complete list, and nothing runs on it: an ephemeral runner that the forge removed.
    if (runner?.state === 'gone' && runner.listedAt !== null && ran === null) return 'runner_gone'
    // Which runner took the job nobody knows, but one did and its job is over; and its call has come back, at the end if not before.
    if (dispatch.late && runner === null && draft.job(dispatch.coverEndedBy)?.state === 'finished') return 'answered'
  }
  const seen = rules.runnersSeenAt
  if (seen !== null && isUnseen(dispatch, draft.runner(dispatch.runner), seen)) return 'never_seen'
  const looked = seen !== null && seen > endsAt(dispatch)
  // Looks that come back since its ttl will tell, a minute later: a ttl below that must not outrun them.
  const patience = seen !== null && seen > dispatch.sentAt! + dispatch.ttl ? minute : 0
  if (draft.now >= givenUpAt(dispatch) + patience && !looked) return 'freed_without_proof'
  return null
}

/** Which runner took a job that names none is an inference: one that is still at work where the look finds that job over took another. */
function worksOn(runner: Runner | null, { runnerName, seenFinishedAt }: Job, { beganAt }: GoneRules): boolean {
  if (runnerName !== null || runner?.state !== 'busy' || runner.listedAt === null) return false
  return runner.listedAt === beganAt && beganAt <= (seenFinishedAt ?? 0)
}

/**
 * An idle runner goes with its dispatch: the dispatcher's word that it has ended comes before any look, and until then it would be
 * taken for supply. One that this turn's look still lists has outlived its slot (an operator released it): it is a stranger from now on.
 */
export function forgetEnded(draft: Draft, beganAt: number | null): void {
  for (const runner of draft.runners) {
    if (runner.state !== 'idle' || runner.dispatch === null) continue
    const dispatch = draft.dispatch(runner.dispatch)
    if (dispatch?.goneAt === null) continue
    if (dispatch === null && runner.listedAt === beganAt) draft.setRunner({ ...runner, dispatch: null })
    else draft.endRunner(runner)
  }
}

/** A complete look that began at `seen` did not see its runner, and that is proof by now. */
function isUnseen(dispatch: Dispatch, runner: Runner | null, seen: number): boolean {
  // Past its end it must stand in the list itself: neither an offline registration nor a job whose end nobody told keeps a slot.
  if (seen > endsAt(dispatch)) return runner === null || runner.state === 'offline' || (runner.listedAt ?? 0) < seen
  const missing = runner === null || runner.state === 'gone'
  return dispatch.state === 'unknown' && seen > dispatch.sentAt! + dispatch.bootTimeout && missing
}

/** A start that is still under way may be missing from the list, and so may one that came after it; one of another host always is. */
function provesAbsence(list: TimedRunningList, dispatch: Dispatch, now: number, { host }: GoneRules): boolean {
  if (dispatch.host !== null && dispatch.host !== host) return false
  if (!list.complete || list.askedAt <= (dispatch.answeredAt ?? dispatch.sentAt!)) return false
  return dispatch.state !== 'sent' || now >= coversUntil(dispatch)
}

/** When its slot is free though nobody could tell of its runner. */
export function givenUpAt({ sentAt, ttl }: Pick<Dispatch, 'sentAt' | 'ttl'>): number {
  return (sentAt ?? 0) + 2 * ttl
}

/** When its runner must be over, and a look that begins later proves it. */
export function endsAt(dispatch: Pick<Dispatch, 'sentAt' | 'ttl'>): number {
  return (dispatch.sentAt ?? 0) + dispatch.ttl + minute
}

/** Its runner has ended and its round still counts as queued: perhaps it ran unseen. */
function doubt(draft: Draft, dispatch: Dispatch): void {
  const job = draft.job(dispatch.job)
  if (job?.state === 'queued') draft.setJob({ ...job, doubtedAt: draft.now })
}

/** A runner that never worked and went while its job still waits: that round is held back, longer each time. */
function noteIdledOut(draft: Draft, dispatch: Dispatch): void {
  const job = draft.job(dispatch.job)
  const runner = draft.runner(dispatch.runner)
  if (job?.state !== 'queued' || !runner || runner.worked || dispatch.coverEndedAt !== null) return
  const key = backoffKey.idledJob(draft.instance, job)
  const failures = (draft.backoff(key)?.failures ?? 0) + 1
  draft.raise({ key, instance: draft.instance, failures, until: draft.now + longDelay(failures) })
  draft.tell(
    'runner_idled_out',
    { job, dispatch: dispatch.id, target: dispatch.target, runner: runner.name },
    { failures },
  )
}

/**
 * A round that no longer waits is held back by nothing. And a finished run of the same repository may have been what one waited for
 * whose runner idled out.
 */
export function clearIdled(draft: Draft): void {
  const byKey = new Map(draft.jobs.map((job) => [backoffKey.idledJob(draft.instance, job), job]))
  const over = new Set(
    draft.jobs.filter(({ state }) => state !== 'queued').map((job) => backoffKey.refusedRound(draft.instance, job)),
  )
  for (const backoff of draft.backoffs) {
    if (over.has(backoff.key.slice(0, backoff.key.lastIndexOf('/') + 1))) draft.clear(backoff.key)
    if (!backoff.key.startsWith('idled/') || backoff.instance !== draft.instance) continue
    const job = byKey.get(backoff.key)
    if (job && job.state !== 'queued') draft.clear(backoff.key)
    const raisedAt = backoff.until - longDelay(backoff.failures)
    const freedAt = job?.repository ? draft.signals.finishedAt.get(job.repository) : undefined
    if (job && freedAt !== undefined && freedAt > raisedAt) draft.clear(backoff.key)
  }
}
