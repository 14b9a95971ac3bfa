import fc from 'fast-check'
import { expect, test } from 'vitest'
import { play } from './play.ts'

// MUSTER_TAPES=5000 plays more; MUSTER_SEED=7 plays others. A failure prints its shrunk tape.
const numRuns = Number(process.env.MUSTER_TAPES ?? 150)
const seed = Number(process.env.MUSTER_SEED ?? 20260302)

test('whatever a tape of faults brings, no promise is broken', { timeout: 600_000 + numRuns * 1_000 }, async () => {
  const tapes = fc.array(fc.nat(255), { minLength: 20, maxLength: 200, size: 'max' })
  await fc.assert(
    fc.asyncProperty(tapes, async (tape) => {
      const { violations, story } = await play(tape)
      if (violations.length > 0) throw new Error([...violations, ...story.slice(-60)].join('\n'))
    }),
    { numRuns, seed, interruptAfterTimeLimit: undefined },
  )
  expect(true).toBe(true)
})
