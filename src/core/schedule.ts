import { Cron } from 'croner'
import type { Target } from './target.ts'

const minute = 60_000

/** `min_idle` in the minute of `now`: the last schedule entry whose pattern matches that minute, else the target's own. */
export function minIdleAt(target: Pick<Target, 'minIdle' | 'schedule'>, now: number): number {
  const held = target.schedule.findLast((entry) => matches(entry, now))
  return held?.minIdle ?? target.minIdle
}

/** When the minute ends in which the answer of `minIdleAt` holds for sure; null without a schedule. */
export function scheduleHoldsUntil(target: Pick<Target, 'schedule'>, now: number): number | null {
  return target.schedule.length === 0 ? null : (Math.floor(now / minute) + 1) * minute
}

function matches(entry: Target['schedule'][number], now: number): boolean {
  const cron = pattern(entry.cron, entry.timezone)
  const start = Math.floor(now / minute) * minute
  return cron.match(new Date(start))
}

const parsed = new Map<string, Cron>()

function pattern(text: string, timezone: string | null): Cron {
  const key = `${timezone ?? ''} ${text}`
  const known = parsed.get(key) ?? new Cron(text, { paused: true, timezone: timezone ?? undefined })
  parsed.set(key, known)
  return known
}
