import { codeOf, type Database, sqliteCode, transaction, unavailable } from './database.ts'

/** Rings an instance's bell once what is being written is committed. */
export type Ring = (instance: string) => void

/** A write waiting for its commit. */
interface Write {
  /** Writes, and answers how to tell its caller after the commit. */
  perform(ring: Ring): () => void
  reject(error: unknown): void
}

/** All writes in the order of their calls; those that come in one turn of the event loop share one fsync. */
export interface Commits {
  /** Runs `work` in a transaction, resolves with its result after the commit, and rejects when nothing of it was written. */
  commit<T>(work: (ring: Ring) => T): Promise<T>
  onBell(listener: (instance: string) => void): () => void
  /** Writes what still waits. */
  drain(): void
}

/** More than this in one transaction would keep the first callers waiting for the last. */
const mostTogether = 500

/** `later` runs a function when the callers of this moment have had their say. */
export function createCommits(db: Database, later: (run: () => void) => void): Commits {
  const waiting: Write[] = []
  const listeners = new Set<(instance: string) => void>()
  let isDue = false

  function schedule(): void {
    if (isDue) return
    isDue = true
    later(() => {
      isDue = false
      writeTogether(waiting.splice(0, mostTogether))
      if (waiting.length > 0) schedule()
    })
  }

  function writeTogether(writes: readonly Write[]): void {
    if (writes.length === 0) return
    try {
      commitAll(writes)
    } catch (error) {
      // Each alone, so that one bad write sinks no other. A lock is nobody's fault: every retry would only wait for it again.
      const isHopeless = writes.length === 1 || codeOf(error) === sqliteCode.busy
      for (const write of writes) {
        if (isHopeless) write.reject(unavailable(error))
        else writeAlone(write)
      }
    }
  }

  function writeAlone(write: Write): void {
    try {
      commitAll([write])
    } catch (error) {
      write.reject(unavailable(error))
    }
  }

  function commitAll(writes: readonly Write[]): void {
    const rung = new Set<string>()
    const tell = transaction(db, () => writes.map((write) => write.perform((instance) => rung.add(instance))))
    for (const answer of tell) answer()
    for (const instance of rung) for (const listener of listeners) listener(instance)
  }

  return {
    commit: <T>(work: (ring: Ring) => T) =>
      new Promise<T>((resolve, reject) => {
        const perform = (ring: Ring) => {
          const result = work(ring)
          return () => resolve(result)
        }
        waiting.push({ perform, reject })
        schedule()
      }),
    onBell(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    drain() {
      while (waiting.length > 0) writeTogether(waiting.splice(0, mostTogether))
    },
  }
}
