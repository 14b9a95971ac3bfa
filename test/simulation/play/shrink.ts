import fc from 'fast-check'
import type { PlayOptions } from './play.ts'
import { playSafely } from './run.ts'
import { Tape } from './tape.ts'

/** A choice that is not the harmless one: where on the tape, and which. */
type Choice = [place: number, byte: number]

/**
 * The smallest tape that still breaks a promise. A long tape is nearly all harmless choices: so it is told as the few that are not, and
 * fast-check leaves out one after the other, the last ones first, while the rest stays in its place.
 */
export async function shrink(
  tape: readonly number[],
  options: PlayOptions = {},
  milliseconds = 30_000,
): Promise<number[]> {
  const all = tape.flatMap((byte, place): Choice[] => (byte === 0 ? [] : [[place, byte]])).reverse()
  const choices = fc.array(fc.tuple(fc.noShrink(fc.nat({ max: tape.length })), fc.nat(255)), { maxLength: all.length })
  let best: readonly Choice[] = all
  const property = fc.asyncProperty(choices, async (chosen) => {
    const { violations } = await playSafely(Tape.of(tapeOf(chosen)), options)
    if (violations.length > 0) best = chosen
    return violations.length === 0
  })
  await fc.check(property, {
    numRuns: 1,
    examples: [[all]],
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
  })
  return tapeOf(best)
}

function tapeOf(choices: readonly Choice[]): number[] {
  const tape = new Array<number>(Math.max(-1, ...choices.map(([place]) => place)) + 1).fill(0)
  for (const [place, byte] of choices) tape[place] = byte
  return tape
}
