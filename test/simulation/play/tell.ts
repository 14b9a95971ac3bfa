import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expected } from './expected.ts'
import { type Mutant, mutants } from './mutants.ts'
import { playSafely, type Ran, run } from './run.ts'
import { shrink } from './shrink.ts'
import { readTape, Tape, written } from './tape.ts'

/** In so many seconds everything must have been reached. */
const aMinute = 60
const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Tells the story of one tape; answers 1 when it breaks a promise. */
export async function replay(text: string): Promise<number> {
  const { story, violations } = await playSafely(Tape.of(readTape(text)), { told: true })
  for (const line of story) console.log(line)
  console.log(violations.length === 0 ? 'no promise is broken' : violations.join('\n'))
  return violations.length === 0 ? 0 : 1
}

/** When a search ends that finds nothing: after so long, or so many plays. */
export interface Bounds {
  seconds: number
  plays: number
}

/** Plays for so long; answers 1 when a promise is broken. With a mutant in the code nothing more is told than that. */
export async function search({ seconds, plays }: Bounds, seed: number, mutant: Mutant | null): Promise<number> {
  console.log(`from seed ${seed}, for ${seconds} s${Number.isFinite(plays) ? ` or ${plays} plays` : ''}`)
  const options = mutant?.shows ? { suits: mutant.shows } : {}
  const ran = await run(seed, (so) => so.seconds >= seconds || so.plays >= plays, options)
  if (!mutant) for (const line of table(ran)) console.log(line)
  const rate = Math.round(ran.steps / ran.busySeconds)
  console.log(
    `${ran.plays} plays, ${ran.steps} steps, ${ran.turns} turns in ${ran.seconds.toFixed(1)} s; ${rate} steps a second of its core`,
  )
  const missing = mutant || seconds < aMinute ? [] : ran.reached.missing(expected)
  for (const what of missing) console.log(`never reached: ${what}`)
  if (ran.broken === null) return missing.length === 0 ? 0 : 1
  console.log(`the tape of seed ${ran.broken.seed} breaks a promise: ${ran.broken.violations[0]}`)
  if (!mutant) await tellBroken(ran.broken)
  return 1
}

function table({ reached }: Ran): string[] {
  return [...reached.counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, times]) => `${String(times).padStart(9)} ${what}`)
}

async function tellBroken({ tape }: NonNullable<Ran['broken']>): Promise<void> {
  console.log('it is being shrunk')
  const small = await shrink(tape)
  const { story, violations } = await playSafely(Tape.of(small), { told: true })
  for (const line of [...story.slice(0, 1), ...story.slice(1).slice(-60)]) console.log(line)
  console.log(`broken: ${violations[0]}\nplay it again: npm run sim -- --tape ${written(small)}`)
}

/** Each mutant in a process of its own, one after the other; answers 1 when one survives. */
export async function huntAll(seconds: number, seed: number): Promise<number> {
  let survivors = 0
  for (const { name, mistake } of mutants) {
    const { code, output } = await hunt(name, seconds, seed)
    const [died] = output.split('\n').filter((line) => line.includes('breaks a promise'))
    if (code !== 1) survivors++
    console.log(`${name} (${mistake}): ${code === 1 ? died : code === 0 ? 'SURVIVES' : output.trim()}`)
  }
  return survivors === 0 ? 0 : 1
}

/** Answers how the search for one mutant ended: 1 is found, 0 is not, 2 says that it could not be planted. */
export async function hunt(name: string, seconds: number, seed: number): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [main, '--mutant', name, '--seconds', String(seconds), '--seed', String(seed)])
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  const code = await new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? 2)))
  return { code, output }
}
