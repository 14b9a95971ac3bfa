import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { journey } from '../journeys/stage.ts'
import { extent } from './checker.ts'
import { aTown, nothing, service, type Town } from './town.ts'

const test = journey(1)

/** In all; a night takes more of them. */
const kills = Number(process.env.MUSTER_FAULTS_KILLS ?? 300)
/** Processes side by side, each with a forge and a file of its own. */
const towns = ['north', 'east', 'south']

/** Below `most`, mostly small: what is begun in a moment is best broken off in it. */
function soon(most: number): number {
  return Math.random() ** 2 * most
}

/** Lets jobs come, never many at once, until so many deliveries were answered 2xx and so many runners asked for. */
async function rain(town: Town, enough: number): Promise<void> {
  for (const end = town.progress + enough; town.progress < end; ) {
    if (town.waiting < 8) town.push()
    await delay(5 + soon(30))
  }
}

async function killed(town: Town): Promise<void> {
  const run = service(town)
  // One of eight dies while it starts.
  if (Math.random() < 1 / 8) await delay(50 + Math.random() * 400)
  else {
    await run.ready()
    await rain(town, Math.ceil(soon(6)))
    await delay(soon(60))
  }
  town.history.note('nemesis', 'kill')
  run.child.kill('SIGKILL')
  expect(await run.ended).toBe('SIGKILL')
}

/** Mostly it starts what it is asked for, at once or a little later. */
function moody() {
  const draw = Math.random()
  const does = draw < 0.02 ? ('breaks' as const) : draw < 0.04 ? ('refuses' as const) : ('starts' as const)
  return { after: soon(40), does }
}

// At its end every job has to run, so it also shows that nothing is stuck.
test.concurrent.for(towns)(
  'killed under load, again and again, the one in the %s loses no acknowledged job and asks for no runner too many',
  { timeout: 60 * 60_000 },
  async (name, { stage }) => {
    const town = await aTown(stage, { name: `kills-${name}`, dispatcher: moody, bootTimeout: 10_000 })
    const first = service(town)
    await first.ready()
    await town.hooked()
    // Ended in peace once: only then does Node keep what it compiled, and the others start in half the time.
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)

    for (let done = 0; done < Math.ceil(kills / towns.length); done++) await killed(town)

    const last = service(town)
    const rows = await town.settled(last)
    expect(town.judge(rows)).toEqual(nothing)
    const { kills: times, acknowledged, started, unclear } = extent(rows)
    expect(times).toBe(Math.ceil(kills / towns.length))
    // More than one per kill, or hardly anything was at stake.
    expect(acknowledged + started).toBeGreaterThan(2 * times)
    expect(unclear).toBeGreaterThan(0)
    last.child.kill('SIGTERM')
    expect(await last.ended).toBe(0)
  },
)
