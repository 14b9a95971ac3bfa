import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { play } from './play.ts'
import { brokenOnce } from './tapes.ts'

// The real worker, lane and state in a simulated world. MUSTER_TAPES=5000 plays more tapes, MUSTER_SEED=7 plays others.
// A failure prints its shrunk tape: `play` it to see its story, and once it is mended add it to `tapes.ts`.
const numRuns = Number(process.env.MUSTER_TAPES ?? 150)
const seed = Number(process.env.MUSTER_SEED ?? 20260302)

test('whatever a tape of faults brings, no promise is broken', { timeout: 60_000 + numRuns * 1_000 }, async () => {
  const tapes = fc.array(fc.nat(255), { minLength: 20, maxLength: 200, size: 'max' })
  const property = fc.asyncProperty(tapes, async (tape) => {
    const { violations, story } = await play(tape)
    if (violations.length > 0) throw new Error([...violations.slice(0, 5), ...story.slice(-60)].join('\n'))
  })
  // A failure is shrunk for so long; a run of more tapes goes on until they are played.
  const interruptAfterTimeLimit = Math.max(15_000, numRuns * 500)
  await fc.assert(property, { numRuns, seed, interruptAfterTimeLimit })
})

/** A Gitea, runners of our own, nothing at rest, no fault; what follows is the first action, a push of one job. */
const plainest = Array<number>(12).fill(0)

test('without a fault each job gets one runner, and no look and no turn is wasted', async () => {
  const { violations, requests } = await play([...plainest, 1])
  expect(violations).toEqual([])
  expect(requests).toBe(1)
})

describe('never again', () => {
  test.each(Object.entries(brokenOnce))('%s', async (_, tape) => {
    expect((await play(tape)).violations).toEqual([])
  })
})
