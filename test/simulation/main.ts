import { parseArgs } from 'node:util'
import { type Mutant, mutants, plant } from './play/mutants.ts'

const usage = `npm run sim -- [--seconds 60] [--seed N] [--plays N]   plays tapes until the time is over, so many were played, or a promise is broken
npm run sim -- --tape BASE64                 plays one tape and tells its story
npm run sim -- --mutant NAME                 the same with a known mistake in the code: ${mutants.map(({ name }) => name).join(', ')}
npm run sim -- --mutants                     each of them, for so many seconds; fails when one is not found`

try {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      plays: { type: 'string' },
      tape: { type: 'string' },
      mutant: { type: 'string' },
      mutants: { type: 'boolean', default: false },
    },
  })
  const seconds = wholeNumber('seconds', values.seconds)
  const seed = wholeNumber('seed', values.seed ?? String(Date.now() % 1_000_000_000))
  const plays = values.plays === undefined ? Number.POSITIVE_INFINITY : wholeNumber('plays', values.plays)
  const mutant = values.mutant === undefined ? null : known(values.mutant)
  if (mutant) plant(mutant)
  // Only now: what they import is read with the mistake in it.
  const { huntAll, replay, search } = await import('./play/tell.ts')
  if (values.mutants) process.exitCode = await huntAll(seconds, seed)
  else if (values.tape !== undefined) process.exitCode = await replay(values.tape)
  else process.exitCode = await search({ seconds, plays }, seed, mutant)
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exitCode = 2
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${option} takes a whole number, not "${text}"`)
  return value
}

function known(name: string): Mutant {
  const mutant = mutants.find((one) => one.name === name)
  if (!mutant) throw new Error(`there is no mutant "${name}"`)
  return mutant
}
