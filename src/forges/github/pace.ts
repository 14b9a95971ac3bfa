import type { Clock } from '../../clock.ts'

/** What GitHub counts a call as: 900 points in a minute are its secondary limit, whether or not a call costs quota. */
export const points = { read: 1, write: 5 } as const

/**
 * Spreads requests out, so that no minute holds more than 800 points: a look at an organization of a few hundred repositories shall take
 * its time rather than never succeed. GitHub also advises a second between writes. We do not keep to it: of 200 jobs that are queued at
 * once the last would get its runner after 200 s, and by points after 80 s, the first 40 at once.
 */
export function createPace(
  clock: Clock,
  { burst = 200, perSecond = 10 } = {},
): (signal?: AbortSignal, points?: number) => Promise<void> {
  let room = burst
  let seenAt = clock.monotonic()
  return async (signal, cost = points.read) => {
    const now = clock.monotonic()
    room = Math.min(burst, room + ((now - seenAt) / 1_000) * perSecond) - cost
    seenAt = now
    if (room < 0) await clock.sleep((-room / perSecond) * 1_000, signal)
  }
}
