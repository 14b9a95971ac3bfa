import { expect, test } from 'vitest'
import { play } from './play.ts'
import { run } from './run.ts'
import { Tape } from './tape.ts'

// The real worker, lanes and state in a simulated world. `npm run sim -- --seconds 600` plays more tapes, `--seed` others.
// A failure names its seed: `npm run sim -- --seed …` shrinks it and tells its story.
const plays = 40
const seed = 20_260_302

test('whatever a tape of faults brings, no promise is broken', { timeout: 300_000 }, async () => {
  const { broken } = await run(seed, (so) => so.plays >= plays)
  expect(broken && { seed: broken.seed, violations: broken.violations }).toBeNull()
})

/** A Gitea, runners of our own, nothing at rest, no fault: the first action is a push of one job. */
test('without a fault each job gets one runner, and no look and no turn is wasted', async () => {
  const { violations, requests } = await play(Tape.of([]))
  expect(violations).toEqual([])
  expect(requests).toBe(6)
})

test('a tape plays the same each time, and so does what was chosen of it', async () => {
  const tape = Tape.seeded(11)
  const first = await play(tape, { told: true })
  const again = await play(Tape.of(tape.said), { told: true })
  expect(again.story).toEqual(first.story)
})
