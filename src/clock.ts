import { setTimeout as delay } from 'node:timers/promises'

/** Time, as a port, so that a simulated world can hold it. The deadline of one call or socket goes by Node's own timers. */
export interface Clock {
  /** Epoch milliseconds by the wall. */
  now(): number
  /** Milliseconds that never run backwards, for measuring. */
  monotonic(): number
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

// A longer setTimeout fires after 1 ms (Node clamps to a 32-bit number of milliseconds).
const longestTimer = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return
    await delay(Math.min(Math.max(ms, 0), longestTimer), undefined, { signal }).catch(() => undefined)
  },
}
