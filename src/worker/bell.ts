import type { Clock } from '../clock.ts'

/** Shortens a wait. Rings while nobody waits fold into one: the next wait ends at once. */
export class Bell {
  #rung = false
  #wake: AbortController | null = null

  ring(): void {
    this.#rung = true
    this.#wake?.abort()
  }

  /** Resolves at the first ring, or after `ms`. Answers whether it was rung. */
  async wait(clock: Clock, ms: number): Promise<boolean> {
    if (!this.#rung && ms > 0) {
      this.#wake = new AbortController()
      await clock.sleep(ms, this.#wake.signal)
      this.#wake = null
    }
    const rung = this.#rung
    this.#rung = false
    return rung
  }
}
