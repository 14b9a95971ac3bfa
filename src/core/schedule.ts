import { Cron } from 'croner'
import type { ScheduleEntry, Target } from './target.ts'

const minute = 60_000
const hour = 60 * minute
/** Every zone of today is off UTC by a whole number of these, so an hour of the clock begins and ends on one. */
const quarter = 15 * minute

type Scheduled = Pick<Target, 'minIdle' | 'schedule'>

/** `min_idle` in the minute of `now`: the last schedule entry whose pattern matches that minute, else the target's own. */
export function minIdleAt(target: Scheduled, now: number): number {
  return entryAt(target, now)?.minIdle ?? target.minIdle
}

/** The entry that says so; null where it is the target's own number that holds. */
export function entryAt({ schedule }: Pick<Target, 'schedule'>, now: number): ScheduleEntry | null {
  return schedule.findLast((entry) => matches(entry, now)) ?? null
}

/** When the minute ends in which the answer of `minIdleAt` holds for sure; null without a schedule. */
export function scheduleHoldsUntil(target: Pick<Target, 'schedule'>, now: number): number | null {
  return target.schedule.length === 0 ? null : beginOfMinute(now) + minute
}

export interface ScheduleChange {
  /** Epoch milliseconds, the beginning of a minute. */
  at: number
  minIdle: number
}

/** Moments that are looked at on the way to a change: ten days in which an entry holds, any number of years in which none does. */
const steps = 1_000
/** Changes that were found, by schedule: each costs up to `steps` comparisons in its time zone, and holds until it has come. */
const found = new Map<string, { from: number; until: number; change: ScheduleChange | null }>()
const foundKept = 1_000

/** The next minute in which `minIdleAt` answers another number, and which; null where none comes, or none in the next ten days of an entry that holds. */
export function nextScheduleChange(target: Scheduled, now: number): ScheduleChange | null {
  if (target.schedule.length === 0) return null
  const key = JSON.stringify([target.minIdle, target.schedule])
  const known = found.get(key)
  if (known && known.from <= now && now < known.until) return known.change
  const change = searchChange(target, beginOfMinute(now))
  if (found.size >= foundKept) found.clear()
  found.set(key, { from: now, until: change?.at ?? now + hour, change })
  return change
}

function searchChange(target: Scheduled, begin: number): ScheduleChange | null {
  const held = minIdleAt(target, begin)
  let moment: number | null = begin
  for (let step = 0; step < steps; step++) {
    moment = nextMoment(target.schedule, moment)
    if (moment === null) return null
    const minIdle = minIdleAt(target, moment)
    if (minIdle !== held) return { at: moment, minIdle }
  }
  return null
}

/** The next moment at which an entry may begin or cease to hold; null when none will. */
function nextMoment(schedule: readonly ScheduleEntry[], now: number): number | null {
  const moments = schedule.flatMap((entry) => {
    if (!matches(entry, now)) return pattern(entry).nextRun(new Date(now))?.getTime() ?? []
    if (isAlways(entry)) return []
    const step = isHourly(entry) ? quarter : minute
    return (Math.floor(now / step) + 1) * step
  })
  return moments.length === 0 ? null : Math.min(...moments)
}

/** It changes between hours only. */
function isHourly({ cron }: ScheduleEntry): boolean {
  return cron.trim().startsWith('* ')
}

function isAlways({ cron }: ScheduleEntry): boolean {
  return /^\s*\*(\s+\*)*\s*$/.test(cron)
}

function matches(entry: ScheduleEntry, now: number): boolean {
  return pattern(entry).match(new Date(beginOfMinute(now)))
}

function beginOfMinute(now: number): number {
  return Math.floor(now / minute) * minute
}

const parsed = new Map<string, Cron>()

function pattern({ cron, timezone }: ScheduleEntry): Cron {
  const key = `${timezone ?? ''} ${cron}`
  const known = parsed.get(key) ?? new Cron(cron, { paused: true, timezone: timezone ?? undefined })
  parsed.set(key, known)
  return known
}
