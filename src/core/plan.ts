import { backoffKey } from './backoff.ts'
import { coversUntil, type Instead } from './dispatch.ts'
import type { Facts } from './facts.ts'
import { type IdleStop, idlePlan } from './idle.ts'
import { type Job, jobKey } from './job.ts'
import { requestPlan } from './request-plan.ts'
import { type Choice, Rooms } from './rooms.ts'
import type { Snapshot, Wanted } from './snapshot.ts'
import { believedUntil, patience, type Supply, SupplyPool, supplyOf } from './supply.ts'
import type { Target } from './target.ts'
import type { Verdict, VerdictKind } from './verdict.ts'

/** How long a forge may take to tell by webhook that a job began or ended. Milliseconds. */
const tellingTime = 10_000

export interface Plan {
  wanted: readonly Wanted[]
  stops: readonly IdleStop[]
  /** One for every open job of the snapshot, by `jobKey`. */
  verdicts: ReadonlyMap<string, Verdict>
  /** When the same facts would give another plan; null when only a new fact can. */
  wakeAt: number | null
}

/** Decides, from one snapshot, which runners to ask for and why each open job has or has not one. */
export function plan(snapshot: Snapshot): Plan {
  const { facts, rules, now } = snapshot
  const pool = new SupplyPool(supplyOf(facts, rules, now), rules, now)
  const verdicts = new Map<string, Verdict>()
  const rooms = new Rooms(snapshot)
  const unseen = unseenSince(facts, now)
  const wanted: Wanted[] = []

  const uncovered: Job[] = []
  for (const job of claimantsFirst(byAge(facts.jobs), unseen, snapshot)) {
    const settled = withoutPlan(job) ?? coverOf(job, pool) ?? inDoubt(job, unseen, snapshot)
    if (settled) verdicts.set(jobKey(job), settled)
    else if (job.state === 'queued') uncovered.push(job)
  }
  for (const job of uncovered) {
    const { verdict, choice } = judge(job, rooms, snapshot)
    verdicts.set(jobKey(job), verdict)
    if (choice === null) continue
    const { dispatcher, instead, others } = choice
    rooms.take(job.target!, dispatcher, job)
    wanted.push({ target: job.target!, dispatcher, instead, others, job, request: null })
  }
  const requests = requestPlan(snapshot, rooms)
  wanted.push(...requests.wanted)
  const idle = idlePlan(snapshot, pool.all, rooms)
  wanted.push(...idle.wanted)
  return {
    wanted,
    stops: idle.stops,
    verdicts,
    wakeAt: earliest([...wakes(verdicts.values()), requests.wakeAt, idle.wakeAt], now),
  }
}

/** The verdicts that need neither supply nor room. */
export function withoutPlan(job: Job): Verdict | null {
  if (job.state === 'waiting') return verdict('waiting', job)
  if (job.state === 'running')
    return { ...verdict('running', job), by: job.runnerName ? { runner: job.runnerName } : null }
  if (job.state === 'queued' && job.target === null) {
    return job.unassigned === 'unmatched' || job.unassigned === null
      ? verdict('unmatched', job)
      : verdict('not_allowed', job, job.unassigned === 'repository_unknown' ? 'repository_unknown' : null)
  }
  return null
}

/** Why a round waits that lies beyond the window of the snapshot: what stands before it takes all the room. Null when it may lie within. */
export function verdictBeyond(
  job: Job,
  { beyond, paused }: { beyond: { has(target: string): boolean }; paused: boolean },
): Verdict | null {
  const settled = withoutPlan(job)
  if (settled || job.state !== 'queued' || job.target === null || !beyond.has(job.target)) return settled
  return paused ? verdict('paused', job) : verdict('full', job, 'max')
}

function coverOf(job: Job, pool: SupplyPool): Verdict | null {
  if (job.state !== 'queued') return null
  const supply = pool.spendOn(job)
  if (!supply) return null
  const { instead = null, dispatcher = null } = supply.dispatch ?? {}
  const by = { by: bearer(supply), until: believed(supply, job), dispatcher }
  return { ...verdict('covered', job, insteadReason(instead)), ...by }
}

/**
 * A runner that ended, or did not show itself in time, may have run it unseen: a look is on its way, and until it is back the round
 * asks for no other. A forge that does not answer delays it by `patience`; after a start, until the first look has ended, well or not.
 */
function inDoubt(job: Job, unseen: ReadonlyMap<string, number>, { now, jobsListed, looked }: Snapshot): Verdict | null {
  if (job.state !== 'queued') return null
  if (!jobsListed) return untold(job, now)
  const missedAt = unseen.get(jobKey(job)) ?? 0
  const since = Math.max(job.doubtedAt ?? 0, missedAt > (job.confirmedAt ?? 0) ? missedAt : 0)
  if (since === 0) return null
  if (!looked) return verdict('covered', job, 'look_owed')
  return now < since + patience ? verdict('covered', job, 'look_owed', since + patience) : null
}

/** Where no look can tell, the job's own events may: a runner that is through with a short job ends before they have come. */
function untold(job: Job, now: number): Verdict | null {
  const until = (job.doubtedAt ?? 0) + tellingTime
  return now < until ? verdict('covered', job, 'events_awaited', until) : null
}

/** By round: when the last of its dispatches had not shown its runner within `boot_timeout`. */
function unseenSince({ dispatches }: Facts, now: number): Map<string, number> {
  const since = new Map<string, number>()
  for (const dispatch of dispatches) {
    const until = coversUntil(dispatch)
    if (dispatch.job === null || dispatch.runner !== null || dispatch.coverEndedAt !== null || until > now) continue
    since.set(jobKey(dispatch.job), Math.max(until, since.get(jobKey(dispatch.job)) ?? 0))
  }
  return since
}

function bearer({ runner, dispatch }: Supply): Verdict['by'] {
  if (runner) return { runner: runner.name }
  return dispatch && { dispatch: dispatch.id }
}

function believed({ runner, dispatch, boundTo }: Supply, job: Job): number | null {
  if (runner) return boundTo === null ? believedUntil(runner, job) : null
  const until = dispatch ? coversUntil(dispatch) : Number.POSITIVE_INFINITY
  return Number.isFinite(until) ? until : null
}

interface Judgement {
  verdict: Verdict
  /** Where the runner is to be asked for; null when none is. */
  choice: Extract<Choice, { until: null }> | null
}

function judge(job: Job, rooms: Rooms, snapshot: Snapshot): Judgement {
  const kept = heldBack(job, rooms, snapshot)
  if (kept) return { verdict: kept, choice: null }
  const target = rooms.target(job.target!)!
  const choice = rooms.choose(target, job)
  if (choice.until !== null) {
    const { dispatcher, until, why } = choice
    const none =
      why === 'refused' ? verdict('backoff', job, why, until) : verdict('dispatcher_down', job, dispatcher, until)
    return { verdict: none, choice: null }
  }
  if (!rooms.hasFree(target.name)) return { verdict: verdict('full', job, 'max'), choice: null }
  if (rooms.isRetry(job) && !rooms.hasFreeForRetry(target.name))
    return { verdict: verdict('full', job, 'retries'), choice: null }
  const asked = verdict('dispatching', job, insteadReason(choice.instead))
  return { verdict: { ...asked, dispatcher: choice.dispatcher }, choice }
}

/** Why a round asks for no runner now, whichever dispatcher could start one. */
function heldBack(job: Job, rooms: Rooms, { facts, now, instance }: Snapshot): Verdict | null {
  if (facts.paused) return verdict('paused', job)
  const target = rooms.target(job.target!)
  // A target that a new configuration no longer has: the job is matched again with the next look.
  if (!target) return verdict('unmatched', job)
  if (job.dispatches >= allowance(job, target, now))
    return verdict('stuck', job, null, allowanceGrowsAt(job, target, now))
  const idled = facts.backoffs.get(backoffKey.idledJob(instance, job))
  if (idled && now < idled.until) return verdict('backoff', job, 'idled_out', idled.until)
  return null
}

function insteadReason(instead: Instead | null): string | null {
  return instead && `fallback_${instead}`
}

/** How many runners a round may get in all: 3, and one more each time its age doubles past the target's `ttl`. */
export function allowance(job: Job, target: Pick<Target, 'ttl'>, now: number): number {
  const age = now - (job.seenQueuedAt ?? job.firstSeenAt)
  return 3 + (age > target.ttl ? Math.max(0, Math.floor(Math.log2(age / target.ttl))) : 0)
}

function allowanceGrowsAt(job: Job, target: Target, now: number): number {
  const doublings = allowance(job, target, now) - 3 + 1
  return (job.seenQueuedAt ?? job.firstSeenAt) + target.ttl * 2 ** doublings
}

function verdict(kind: VerdictKind, job: Job, reason: string | null = null, until: number | null = null): Verdict {
  return { kind, target: job.target, reason, by: null, dispatcher: null, until }
}

function byAge(jobs: readonly Job[]): Job[] {
  const age = (job: Job) => job.seenQueuedAt ?? job.firstSeenAt
  return [...jobs].sort((a, b) => age(a) - age(b))
}

/**
 * A round that asks for no runner now (it is stuck, or perhaps over), or comes after all fresh ones, must not take the cover of one
 * that would then ask for a second.
 */
function claimantsFirst(jobs: readonly Job[], unseen: ReadonlyMap<string, number>, snapshot: Snapshot): Job[] {
  const { facts, instance, targets, now } = snapshot
  const byName = new Map(targets.map((target) => [target.name, target]))
  const comesLast = (job: Job) => {
    const target = job.target === null ? undefined : byName.get(job.target)
    const stuck = target !== undefined && job.dispatches >= allowance(job, target, now)
    const retried = facts.backoffs.has(backoffKey.idledJob(instance, job))
    return stuck || retried || inDoubt(job, unseen, snapshot) !== null
  }
  const { true: last = [], false: first = [] } = Object.groupBy(jobs, (job) => `${comesLast(job)}`)
  return [...first, ...last]
}

function* wakes(verdicts: Iterable<Verdict>): Generator<number | null> {
  for (const { until } of verdicts) yield until
}

function earliest(times: Iterable<number | null>, now: number): number | null {
  let first: number | null = null
  for (const time of times) if (time !== null && time > now && (first === null || time < first)) first = time
  return first
}
