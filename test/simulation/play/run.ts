import { mostReplicas, type Played, type PlayOptions, play } from './play.ts'
import { Reached } from './reached.ts'
import { drawSetting, type Setting } from './setting.ts'
import { Tape } from './tape.ts'

export interface Broken {
  seed: number
  /** The tape as it was played, not shrunk. */
  tape: readonly number[]
  violations: readonly string[]
}

export interface Ran {
  plays: number
  steps: number
  turns: number
  /** By the clock, and of this process's own time on its core: others may use the machine, too. */
  seconds: number
  busySeconds: number
  reached: Reached
  broken: Broken | null
}

/** Plays one tape after the other, each from a seed of its own, until `until` says so or a promise is broken. Settings that do not suit are passed over. */
export async function run(
  seed: number,
  until: (ran: Ran) => boolean,
  options: PlayOptions & { suits?: (setting: Setting) => boolean } = {},
): Promise<Ran> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  const ran: Ran = { plays: 0, steps: 0, turns: 0, seconds: 0, busySeconds: 0, reached: new Reached(), broken: null }
  let next = seed
  while (ran.broken === null && !until(ran)) {
    const own = next++
    if (options.suits && !options.suits(drawSetting(Tape.seeded(own), mostReplicas))) continue
    const tape = Tape.seeded(own)
    const { violations, reached, turns } = await playSafely(tape, options)
    ran.plays++
    ran.steps += tape.steps
    ran.turns += turns
    ran.seconds = (performance.now() - began) / 1_000
    const { user, system } = process.cpuUsage(cpu)
    ran.busySeconds = (user + system) / 1e6
    ran.reached.add(reached)
    if (violations.length > 0) ran.broken = { seed: own, tape: tape.said, violations }
  }
  return ran
}

/** What throws has broken something, too. */
export async function playSafely(
  tape: Tape,
  options: PlayOptions,
): Promise<Pick<Played, 'violations' | 'reached' | 'turns' | 'story'>> {
  try {
    return await play(tape, options)
  } catch (error) {
    const story = error instanceof Error ? (error.stack ?? '').split('\n') : []
    return { violations: [`it threw: ${error}`], reached: new Reached(), turns: 0, story }
  }
}
