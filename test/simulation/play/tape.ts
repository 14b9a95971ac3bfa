import { type Choices, seededChoices } from '../../../src/simulation/choices.ts'

/**
 * Every choice of a play, byte by byte. 0 is the harmless one, and past its end a tape says nothing but 0: so a tape with a byte set to 0
 * is one with less faults, and one that is cut off ends in peace.
 */
export class Tape {
  /** How many choices were taken from it. */
  steps = 0
  readonly #next: () => number | undefined
  readonly #said: number[] = []

  private constructor(next: () => number | undefined) {
    this.#next = next
  }

  /** Never ends; the same for the same seed. */
  static seeded(seed: number): Tape {
    const choices = seededChoices(seed)
    return new Tape(() => choices(256))
  }

  static of(bytes: ArrayLike<number>): Tape {
    let at = 0
    return new Tape(() => (at < bytes.length ? bytes[at++] : undefined))
  }

  /** A number from 0 to `n - 1`; `n` is at most 256. */
  readonly draw: Choices = (n) => {
    const byte = this.#byte()
    return byte === undefined ? 0 : this.#say(byte % n)
  }

  /** True `rate` times in 65,536, `rate` being at most 256; at a rate of 0 nothing is drawn. */
  rare(rate: number): boolean {
    if (rate === 0) return false
    const byte = this.#byte()
    if (byte === undefined || this.#say(byte === 255 ? 255 : 0) === 0) return false
    const second = this.#byte()
    return second !== undefined && this.#say(second >= 256 - rate ? 255 : 0) !== 0
  }

  /** What was chosen, as a tape that plays the same and in which every harmless choice is 0. */
  get said(): number[] {
    const end = this.#said.findLastIndex((byte) => byte !== 0)
    return this.#said.slice(0, end + 1)
  }

  #byte(): number | undefined {
    const byte = this.#next()
    if (byte !== undefined) this.steps++
    return byte
  }

  #say(choice: number): number {
    this.#said.push(choice)
    return choice
  }
}

export function written(tape: readonly number[]): string {
  return Buffer.from(tape).toString('base64')
}

export function readTape(text: string): number[] {
  return [...Buffer.from(text, 'base64')]
}
