import { parseArgs } from 'node:util'
import { playSafely, type Ran, run } from './play/run.ts'
import { shrink } from './play/shrink.ts'
import { readTape, Tape, written } from './play/tape.ts'

const usage = `npm run sim -- [--seconds 60] [--seed N]     plays tapes until the time is over or a promise is broken
npm run sim -- --tape BASE64                 plays one tape and tells its story`

try {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, tape: { type: 'string' } },
  })
  if (values.tape !== undefined) await replay(readTape(values.tape))
  else
    await search(number('seconds', values.seconds), number('seed', values.seed ?? String(Date.now() % 1_000_000_000)))
} catch (error) {
  console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exitCode = 2
}

function number(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${option} takes a whole number, not "${text}"`)
  return value
}

async function replay(tape: readonly number[]): Promise<void> {
  const { story, violations } = await playSafely(Tape.of(tape), { told: true })
  for (const line of story) console.log(line)
  console.log(violations.length === 0 ? 'no promise is broken' : violations.join('\n'))
  process.exitCode = violations.length === 0 ? 0 : 1
}

async function search(seconds: number, seed: number): Promise<void> {
  console.log(`from seed ${seed}, for ${seconds} s`)
  const ran = await run(seed, (so) => so.seconds >= seconds)
  table(ran)
  if (ran.broken !== null) await tellBroken(ran.broken)
}

function table({ plays, steps, turns, seconds, busySeconds, reached }: Ran): void {
  for (const [what, times] of [...reached.counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(times).padStart(9)} ${what}`)
  const rate = Math.round(steps / busySeconds)
  console.log(
    `${plays} plays, ${steps} steps, ${turns} turns in ${Math.round(seconds)} s; ${rate} steps a second of its core`,
  )
}

async function tellBroken({ seed, tape, violations }: NonNullable<Ran['broken']>): Promise<void> {
  console.log(`the tape of seed ${seed} breaks a promise: ${violations[0]}`)
  console.log('it is being shrunk')
  const small = await shrink(tape)
  const { story, violations: left } = await playSafely(Tape.of(small), { told: true })
  for (const line of [...story.slice(0, 1), ...story.slice(1).slice(-60)]) console.log(line)
  console.log(`broken: ${left[0]}\nplay it again: npm run sim -- --tape ${written(small)}`)
  process.exitCode = 1
}
