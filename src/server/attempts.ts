import type { Clock } from '../clock.ts'

/** Failed attempts that one peer may make in a minute before it is told to wait. */
const allowed = 10
const minute = 60_000
/** Peers that are remembered; beyond it the one that began first is forgotten, so that a flood of addresses costs no memory. */
const remembered = 4_096

export interface Attempts {
  /** Notes a failed attempt. Answers the seconds to wait when there were too many, else null. */
  failed(peer: string): number | null
}

/** Counts what a peer got wrong: bad signatures, bad tokens. Whoever gets it right is never asked about. */
export function createAttempts(clock: Pick<Clock, 'monotonic'>): Attempts {
  const windows = new Map<string, { until: number; count: number }>()

  function windowOf(peer: string, now: number) {
    const known = windows.get(peer)
    if (known && now < known.until) return known
    const fresh = { until: now + minute, count: 0 }
    windows.delete(peer)
    windows.set(peer, fresh)
    if (windows.size > remembered) {
      for (const oldest of windows.keys()) {
        windows.delete(oldest)
        break
      }
    }
    return fresh
  }

  return {
    failed(peer) {
      const now = clock.monotonic()
      const window = windowOf(peer, now)
      window.count++
      return window.count > allowed ? Math.max(1, Math.ceil((window.until - now) / 1_000)) : null
    },
  }
}
