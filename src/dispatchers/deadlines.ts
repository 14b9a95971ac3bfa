import type { Clock } from '../clock.ts'

/** Ends of runners on places that know no `ttl` of their own. */
export interface Deadlines {
  /** The runner of this dispatch ends then (epoch milliseconds), also when that is past. Said again, nothing changes. */
  keep(dispatchId: string, endsAt: number): void
  /** It has ended by itself. */
  forget(dispatchId: string): void
  /** Ends no more. */
  close(): void
}

/** The longest pause between tries to end a runner. Milliseconds. */
const longestPause = 60_000
/** A timer of Node holds no more milliseconds. */
const longestSleep = 2 ** 31 - 1

/** Calls `end` for each runner once its time is over, and again after 1, 2, 4 … s while that fails. */
export function createDeadlines(clock: Clock, end: (dispatchId: string) => Promise<void>): Deadlines {
  const kept = new Map<string, AbortController>()

  async function watch(id: string, endsAt: number, { signal }: AbortController): Promise<void> {
    while (!signal.aborted && clock.now() < endsAt)
      await clock.sleep(Math.min(endsAt - clock.now(), longestSleep), signal)
    for (let pause = 1_000; !signal.aborted; pause = Math.min(longestPause, pause * 2)) {
      try {
        return await end(id)
      } catch {
        await clock.sleep(pause, signal)
      }
    }
  }

  function forget(id: string): void {
    kept.get(id)?.abort()
    kept.delete(id)
  }

  return {
    keep(id, endsAt) {
      if (kept.has(id)) return
      const ending = new AbortController()
      kept.set(id, ending)
      void watch(id, endsAt, ending).finally(() => kept.get(id) === ending && kept.delete(id))
    },
    forget,
    close() {
      for (const id of [...kept.keys()]) forget(id)
    },
  }
}
