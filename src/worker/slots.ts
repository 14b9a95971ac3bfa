/** At most `size` holders at once; the others wait in the order in which they came. */
export class Slots {
  #size: number
  readonly #waiting: (() => void)[] = []
  #held = 0

  constructor(size: number) {
    this.#size = size
  }

  /** Resolves with the way to give the slot back, which may be called more than once. */
  async take(): Promise<() => void> {
    if (this.#held < this.#size) this.#held++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    let mine = true
    return () => {
      if (mine) this.#passOn()
      mine = false
    }
  }

  /** Another size: who waits may begin at once; who holds is let be, also above the new size. */
  resize(size: number): void {
    this.#size = size
    while (this.#held < this.#size && this.#waiting.length > 0) {
      this.#held++
      this.#waiting.shift()!()
    }
  }

  #passOn(): void {
    const next = this.#held > this.#size ? undefined : this.#waiting.shift()
    if (next) next()
    else this.#held--
  }
}
