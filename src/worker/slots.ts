/** At most `size` holders at once; the others wait in the order in which they came. */
export class Slots {
  readonly #size: number
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

  #passOn(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#held--
  }
}
