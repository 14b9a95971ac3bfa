import type { Clock } from '../../clock.ts'

/**
 * Spreads requests out. GitHub answers more than 900 reads a minute with a secondary rate limit, also those that cost no quota, and a
 * look at an organization of a few hundred repositories is that long: it shall take its time rather than never succeed.
 */
export function createPace(
  clock: Clock,
  { burst = 200, perSecond = 10 } = {},
): (signal?: AbortSignal) => Promise<void> {
  let room = burst
  let seenAt = clock.monotonic()
  return async (signal) => {
    const now = clock.monotonic()
    room = Math.min(burst, room + ((now - seenAt) / 1_000) * perSecond) - 1
    seenAt = now
    if (room < 0) await clock.sleep((-room / perSecond) * 1_000, signal)
  }
}
