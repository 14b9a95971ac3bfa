import type { Clock } from '../../../src/clock.ts'

interface Entry {
  at: number
  order: number
  happen: () => void
}

/** Everything that will happen, in the order of its time: virtual time passes only from one entry to the next. */
export class Agenda {
  #now: number
  #made = 0
  #entries: Entry[] = []

  constructor(start: number) {
    this.#now = start
  }

  get now(): number {
    return this.#now
  }

  /** Enters something for `ms` from now; answers how to strike it out. */
  in(ms: number, happen: () => void): () => void {
    const entry = { at: this.#now + Math.max(0, ms), order: this.#made++, happen }
    this.#entries.push(entry)
    return () => {
      this.#entries = this.#entries.filter((one) => one !== entry)
    }
  }

  /** Lets time pass, entry by entry. After each one every promise that can go on does. `watch` sees each moment. */
  async pass(ms: number, watch: () => void): Promise<void> {
    const until = this.#now + ms
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#entries.splice(this.#entries.indexOf(next), 1)
      this.#now = Math.max(this.#now, next.at)
      next.happen()
      await settled()
      watch()
    }
    this.#now = until
  }

  #next(until: number): Entry | undefined {
    let first: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.at <= until && (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order)))
        first = entry
    }
    return first
  }
}

/** The state in memory commits on microtasks, so one turn of the real event loop lets everything go on that can. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The agenda as the service's clock. One whose process has died never wakes anybody again. */
export function clockOf(agenda: Agenda, alive: () => boolean): Clock {
  return {
    now: () => agenda.now,
    monotonic: () => agenda.now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          strike()
          if (alive()) resolve()
        }
        const strike = agenda.in(ms, wake)
        if (signal?.aborted) wake()
        else signal?.addEventListener('abort', wake, { once: true })
      }),
  }
}
