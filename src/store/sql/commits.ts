import type { Sql, Work } from './sql.ts'

/** Rings an instance's bell once what is being written is committed. */
export type Ring = (instance: string) => void

/** A database as its commits see it. */
export interface Transactions {
  /** Runs `work` in a transaction and rings once it is committed; whatever it throws, nothing was written. */
  transaction<T>(work: (db: Sql, ring: Ring) => Work<T>): Work<T>
  /** Nobody's write is to blame: to try each alone would only fail again. */
  isHopeless(error: unknown): boolean
  /** What the caller of a write is told of what failed. */
  refusal(error: unknown): unknown
  /** Runs a work to its end, and then `done`. */
  run(work: Work<void>, done: () => void): void
  /** Runs a function when the callers of this moment have had their say. */
  later(run: () => void): void
  /** More than this in one transaction would keep the first callers, and whoever else wants to write, waiting for the last. */
  mostTogether: number
}

/** A write waiting for its commit. */
interface Write {
  /** Writes, and answers how to tell its caller after the commit. */
  perform(db: Sql, ring: Ring): Work<() => void>
  reject(error: unknown): void
}

/** All writes in the order of their calls; those that come in one moment share one transaction. */
export interface Commits {
  /** Runs `work` in a transaction, resolves with its result after the commit, and rejects when nothing of it was written. */
  commit<T>(work: (db: Sql, ring: Ring) => Work<T>): Promise<T>
  /** Writes what still waits. */
  drain(): Promise<void>
}

export function createCommits({ transaction, isHopeless, refusal, run, later, mostTogether }: Transactions): Commits {
  const waiting: Write[] = []
  const closing: (() => void)[] = []
  let isBusy = false

  function schedule(): void {
    if (isBusy) return
    isBusy = true
    later(() => run(writeTogether(waiting.splice(0, mostTogether)), next))
  }

  function next(): void {
    isBusy = false
    if (waiting.length > 0) schedule()
    else for (const close of closing.splice(0)) close()
  }

  function* writeTogether(writes: readonly Write[]): Work<void> {
    try {
      yield* commitAll(writes)
    } catch (error) {
      // Each alone, so that one bad write sinks no other.
      const isOver = writes.length === 1 || isHopeless(error)
      for (const write of writes) {
        if (isOver) write.reject(refusal(error))
        else yield* writeTogether([write])
      }
    }
  }

  function* commitAll(writes: readonly Write[]): Work<void> {
    const tell = yield* transaction(function* (db, ring) {
      const answers: (() => void)[] = []
      for (const write of writes) answers.push(yield* write.perform(db, ring))
      return answers
    })
    for (const answer of tell) answer()
  }

  return {
    commit: <T>(work: (db: Sql, ring: Ring) => Work<T>) =>
      new Promise<T>((resolve, reject) => {
        function* perform(db: Sql, ring: Ring): Work<() => void> {
          const result = yield* work(db, ring)
          return () => resolve(result)
        }
        waiting.push({ perform, reject })
        schedule()
      }),
    async drain() {
      if (isBusy) await new Promise<void>((resolve) => closing.push(resolve))
    },
  }
}
