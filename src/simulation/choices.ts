/** Draws a number from 0 to `n - 1`. 0 is always the harmless choice, so that a tape of choices that has run out means no more faults. */
export type Choices = (n: number) => number

/** The same choices for the same seed, on every machine (mulberry32). */
export function seededChoices(seed: number): Choices {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n)
  }
}

/** Choices from a written tape; past its end everything is harmless. */
export function tapedChoices(tape: readonly number[]): Choices {
  let at = 0
  return (n) => (tape[at++] ?? 0) % n
}

export const harmless: Choices = () => 0

/** The same things in an order that is drawn. */
export function shuffled<T>(things: readonly T[], choices: Choices): T[] {
  const rest = [...things]
  return things.flatMap(() => rest.splice(choices(rest.length), 1))
}
