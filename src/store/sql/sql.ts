export type Cell = string | number | null
export type Row = Readonly<Record<string, Cell>>

/**
 * A piece of work on a database, written once for every database. `yield*` waits where there is something to wait for: what is yielded is a
 * promise, and the work goes on with what it resolves with. SQLite answers at once, so there nothing is ever yielded.
 */
export type Work<T> = Generator<Promise<unknown>, T, unknown>

/** One connection as its statements see it, with `?` in turn or `?1`, `?2` for values. Where databases differ is known to `sqlite/` and `postgres/` alone. */
export interface Sql {
  all(sql: string, ...values: Cell[]): Work<readonly Row[]>
  get(sql: string, ...values: Cell[]): Work<Row | undefined>
  /** Answers how many rows were changed. */
  run(sql: string, ...values: Cell[]): Work<number>
}

/** Runs a work that waits for nothing. */
export function runNow<T>(work: Work<T>): T {
  const step = work.next()
  if (step.done) return step.value
  throw new TypeError('this work waits: its database does not answer at once')
}

/** Runs a work and waits wherever it does. */
export async function runWaiting<T>(work: Work<T>): Promise<T> {
  let step = work.next()
  while (!step.done) {
    let answer: unknown
    try {
      answer = await step.value
    } catch (error) {
      step = work.throw(error)
      continue
    }
    step = work.next(answer)
  }
  return step.value
}

/** What is known at once. */
// biome-ignore lint/correctness/useYield: it waits for nothing
export function* answered<T>(value: T): Work<T> {
  return value
}

/** What a promise resolves with. */
export function* awaited<T>(promise: Promise<T>): Work<T> {
  return (yield promise) as T
}
