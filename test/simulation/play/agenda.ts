import type { Choices } from '../../../src/simulation/choices.ts'

interface Entry {
  at: number
  /** Drawn: what is due in the same moment happens in any order. */
  tie: number
  order: number
  happen: (() => void) | null
}

/** Everything that will happen, in the order of its time: virtual time passes only from one entry to the next. */
export class Agenda {
  #now: number
  #made = 0
  /** A heap: the first is the next. */
  readonly #entries: Entry[] = []
  readonly #draw: Choices
  /** Calls to the store that are not answered yet: no entry happens before they are. */
  waiting = 0

  constructor(start: number, draw: Choices) {
    this.#now = start
    this.#draw = draw
  }

  /** Epoch milliseconds. */
  get now(): number {
    return this.#now
  }

  /** Enters something for `ms` from now; answers how to strike it out. */
  in(ms: number, happen: () => void): () => void {
    const at = this.#now + Math.max(0, Math.round(ms))
    const entry: Entry = { at, tie: this.#draw(16), order: this.#made++, happen }
    this.#push(entry)
    return () => {
      entry.happen = null
    }
  }

  /** Lets time pass, entry by entry. After each one every promise that can go on does. `watch` sees each moment; it ends the pass by `false`. */
  async pass(ms: number, watch: () => boolean): Promise<void> {
    const until = this.#now + ms
    await this.settled()
    for (;;) {
      const next = this.#entries[0]
      if (!next || next.at > until) break
      this.#pop()
      if (next.happen === null) continue
      this.#now = Math.max(this.#now, next.at)
      next.happen()
      await this.settled()
      if (!watch()) return
    }
    this.#now = until
  }

  /** The state in memory commits on microtasks, so one turn of the real event loop lets everything go on that can. */
  async settled(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.waiting > 0)
  }

  #push(entry: Entry): void {
    const heap = this.#entries
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#entries
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= heap.length) break
      const right = left + 1
      const child = right < heap.length && isBefore(heap[right]!, heap[left]!) ? right : left
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function isBefore(one: Entry, other: Entry): boolean {
  return one.at - other.at < 0 || (one.at === other.at && (one.tie - other.tie || one.order - other.order) < 0)
}
