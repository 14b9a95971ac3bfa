import { coversUntil, type Dispatch } from './dispatch.ts'
import type { Facts } from './facts.ts'
import { jobKey } from './job.ts'
import { comparable, fits } from './labels.ts'
import type { Choice, Rooms } from './rooms.ts'
import type { Runner } from './runner.ts'
import { minIdleAt, scheduleHoldsUntil } from './schedule.ts'
import type { Snapshot, Wanted } from './snapshot.ts'
import type { Supply } from './supply.ts'
import type { Target } from './target.ts'

/** One of our idle runners that is no longer wanted: deregister it, then stop it. */
export interface IdleStop {
  dispatch: Dispatch
  runner: { id: string; name: string }
  why: 'idle_timeout' | 'too_old' | 'job_over'
}

export interface IdlePlan {
  wanted: readonly Wanted[]
  stops: readonly IdleStop[]
  wakeAt: number | null
}

/** `min_idle` from what no job needed, and the idle runners above it whose time is over. */
export function idlePlan(snapshot: Snapshot, all: readonly Supply[], rooms: Rooms): IdlePlan {
  const { targets, facts, now } = snapshot
  const wanted: Wanted[] = []
  const stops: IdleStop[] = boundAndOver(snapshot, all)
  const stopping = new Set(stops.map(({ dispatch }) => dispatch.id))
  const lingering = facts.dispatches.filter((dispatch) => lingers(dispatch, snapshot))
  const wakes: number[] = []

  for (const target of targets) {
    const floor = minIdleAt(target, now)
    const holds = scheduleHoldsUntil(target, now)
    if (holds !== null) wakes.push(holds)
    const warm = all
      .filter((supply) => !supply.spent && supply.boundTo === null && isWarm(supply, target, snapshot))
      // The most specific last, as for jobs: another target's floor may need it.
      .sort((a, b) => a.offers.length - b.offers.length)
    const kept = warm.slice(0, floor)
    for (const supply of kept) supply.spent = true
    const believed = lingering.filter((dispatch) => dispatch.target === target.name).length
    for (let missing = floor - kept.length - believed; missing > 0; missing--) {
      const choice = whereToAsk(target, rooms, snapshot)
      if (choice.until !== null) {
        if (choice.until > now) wakes.push(choice.until)
        break
      }
      const { dispatcher, instead, others } = choice
      rooms.take(target.name, dispatcher, null)
      wanted.push({ target: target.name, dispatcher, instead, others, job: null, request: null })
    }
    // An old warm runner goes once its place is filled by one that stands.
    const standing = kept.filter(({ runner }) => runner !== null).length
    if (standing < floor) continue
    for (const stop of surplus(target, all, snapshot, floor > 0)) {
      if (!stopping.has(stop.dispatch.id)) stops.push(stop)
    }
  }
  for (const stop of ofNoTarget(all, snapshot)) if (!stopping.has(stop.dispatch.id)) stops.push(stop)
  return { wanted, stops, wakeAt: wakes.length > 0 ? Math.min(...wakes) : null }
}

/** Nothing keeps a runner warm whose target is configured no more. */
function ofNoTarget(all: readonly Supply[], snapshot: Snapshot): IdleStop[] {
  const names = new Set(snapshot.targets.map(({ name }) => name))
  const idle = all.filter(
    ({ spent, boundTo, dispatch }) => !spent && boundTo === null && !names.has(dispatch?.target ?? ''),
  )
  return idle.flatMap((supply) => (isOverdue(supply, snapshot) ? stop(supply, 'idle_timeout', snapshot) : []))
}

/** Counts for `min_idle`: it offers all of the target's labels, and is not a runner of ours that is to be replaced. */
function isWarm(supply: Supply, target: Target, snapshot: Snapshot): boolean {
  return fits(target.offers, supply.offers, snapshot.rules) && !isTooOld(supply, snapshot)
}

/** A warm runner past half its `ttl` is replaced, the new one first, where it can be stopped at all. */
function isTooOld({ runner, dispatch }: Supply, { now, stoppable }: Snapshot): boolean {
  if (!runner || !dispatch || dispatch.sentAt === null || !stoppable.has(dispatch.dispatcher)) return false
  return now - dispatch.sentAt > dispatch.ttl / 2
}

/**
 * A dispatch for `min_idle` past its `boot_timeout` still stands for its runner, until `ttl`, while no complete look could show otherwise;
 * so does one whose job another runner took.
 */
function lingers(dispatch: Dispatch, { now, runnersSeenAt, facts }: Snapshot): boolean {
  if (dispatch.runner !== null || dispatch.coverEndedAt !== null || isBoundTo(dispatch, facts)) return false
  const covered = coversUntil(dispatch)
  const unseen = runnersSeenAt === null || runnersSeenAt < covered
  return now >= covered && unseen && dispatch.sentAt !== null && now < dispatch.sentAt + dispatch.ttl
}

/** It is for a round that still waits, or for one alone. */
function isBoundTo({ job, handle }: Dispatch, { jobs }: Facts): boolean {
  if (job === null) return false
  return handle !== null || jobs.some((one) => jobKey(one) === jobKey(job) && one.state === 'queued')
}

/** Where a runner for `min_idle` is asked for now; else when it may be, or now when only a new fact can tell. */
function whereToAsk(target: Target, rooms: Rooms, snapshot: Snapshot): Choice | { until: number } {
  const { facts, now, looked, rebuiltAt } = snapshot
  if (rebuiltAt !== null && now < rebuiltAt + target.ttl) return { until: rebuiltAt + target.ttl }
  return facts.paused || !looked || !rooms.hasFree(target.name) ? { until: now } : rooms.choose(target, null)
}

/** Where no warm runner is kept, an old one is replaced by none: it has its whole `idle_timeout`. */
function surplus(target: Target, all: readonly Supply[], snapshot: Snapshot, keepsWarm: boolean): IdleStop[] {
  return all
    .filter((supply) => !supply.spent && supply.boundTo === null && supply.dispatch?.target === target.name)
    .flatMap((supply) => {
      if (keepsWarm && isTooOld(supply, snapshot)) return stop(supply, 'too_old', snapshot)
      return isOverdue(supply, snapshot) ? stop(supply, 'idle_timeout', snapshot) : []
    })
}

/** Bound runners wait for one round alone: they go when it is over, or when it did not come in `idle_timeout`; while it runs, they work. */
function boundAndOver(snapshot: Snapshot, all: readonly Supply[]): IdleStop[] {
  const rounds = new Map(snapshot.facts.jobs.map((job) => [jobKey(job), job]))
  return all
    .filter(({ boundTo }) => boundTo !== null)
    .flatMap((supply) => {
      const job = rounds.get(supply.boundTo!)
      if (job?.state === 'running') return []
      if (job?.state !== 'queued') return stop(supply, 'job_over', snapshot)
      return isOverdue(supply, snapshot) ? stop(supply, 'idle_timeout', snapshot) : []
    })
}

/**
 * Forgejo and Gitea call a runner idle whose job wrote nothing for 10 s, and jobs of Forgejo name no runner: one that was seen at work may
 * still be on any of those that fit it. It takes one job alone.
 */
function mayWork({ worked, labels }: Runner, { facts, rules }: Snapshot): boolean {
  const offers = labels.map((label) => comparable(label, rules))
  return (
    worked && facts.jobs.some((job) => job.state === 'running' && !job.runnerName && fits(job.labels, offers, rules))
  )
}

function isOverdue({ runner, dispatch }: Supply, { now }: Snapshot): boolean {
  return runner?.idleSince != null && dispatch !== null && now - runner.idleSince >= dispatch.idleTimeout
}

/** Only ours by name, and only when two complete looks saw it idle: a list may be wrong once. */
function stop({ runner, dispatch }: Supply, why: IdleStop['why'], snapshot: Snapshot): IdleStop[] {
  if (!runner || !dispatch || dispatch.tiedBy !== 'name' || runner.id === null) return []
  if (runner.state !== 'idle' || runner.idleLooks < 2 || !snapshot.stoppable.has(dispatch.dispatcher)) return []
  if (mayWork(runner, snapshot)) return []
  return [{ dispatch, runner: { id: runner.id, name: runner.name }, why }]
}
