import { describe, expect, test } from 'vitest'
import { mutants } from './mutants.ts'
import { playSafely } from './run.ts'
import { Tape } from './tape.ts'
import { hunt } from './tell.ts'

// Each is planted in a process of its own and has to be found within a minute, mostly by the first tape. A change moves what a tape meets:
// `npm run sim -- --mutants --seed 0` tells from which seed each is found now.
describe('a known mistake is found', () => {
  test.concurrent.each(mutants)('$name: $mistake', { timeout: 120_000 }, async ({ name, seed }) => {
    const { code, output } = await hunt(name, 60, seed)
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('breaks a promise') })
  })
})

test('what finds them finds nothing in the code as it is', { timeout: 120_000 }, async () => {
  for (const seed of new Set(mutants.map((mutant) => mutant.seed))) {
    const { violations } = await playSafely(Tape.seeded(seed), {})
    expect({ seed, violations }).toEqual({ seed, violations: [] })
  }
})

test('a mistake that no longer fits the code is refused', async () => {
  const { code, output } = await hunt('nobody-knows-it', 1, 0)
  expect(code).toBe(2)
  expect(output).toContain('there is no mutant "nobody-knows-it"')
})
