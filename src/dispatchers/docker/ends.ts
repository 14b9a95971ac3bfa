import type { Clock } from '../../clock.ts'
import type { RunningList } from '../../core/look.ts'
import type { Scrubber } from '../../secret.ts'
import { createDeadlines } from '../deadlines.ts'
import { reason } from '../reason.ts'
import type { Container, Containers, InspectedContainer } from './containers.ts'
import { runnerContainer } from './creation.ts'
import { sideName } from './side.ts'

export interface Ends {
  /** This runner is about to be started, and may end at once; `scrubber` knows its secrets. */
  expect(id: string, scrubber: Scrubber): void
  /** It was started, and has to end then (epoch milliseconds). */
  began(id: string, endsAt: number): void
  /** It was not started. */
  neverBegan(id: string): void
  /** A container of this dispatch has ended. */
  died(id: string): void
  /** What lives now; on the way whatever ended unseen is cleared away, and the rest is given its deadline. */
  survey(signal: AbortSignal): Promise<RunningList>
  /** Ends a runner and removes all of it. Content when it is gone or not ours. */
  end(id: string, signal: AbortSignal): Promise<void>
  removeSide(runner: string, signal: AbortSignal): Promise<void>
  onEnd(listener: () => void): void
  /** Ends nothing any more. */
  close(): Promise<void>
}

export interface EndPorts {
  containers: Containers
  owner: string
  clock: Clock
  note: (sentence: string) => void
  /** Dispatches whose start is under way. */
  starting: () => Iterable<string>
  closing: AbortSignal
}

/**
 * An ended container stays until this long after it was made, so that its name stands against a second start by a repeated request;
 * what was made and never started, as long after it was first seen. An unknown start is asked again within `boot_timeout`, usually 5 min.
 */
const remembered = 10 * 60_000

/** What becomes of runners once they run: their deadlines, their ends, and what is left of them. */
export function createEnds({ containers, owner, clock, note, starting, closing }: EndPorts): Ends {
  const deadlines = createDeadlines(clock, (id) => end(id, closing))
  const burials = createDeadlines(clock, (id) => bury(id, closing))
  const scrubbers = new Map<string, Scrubber>()
  const ending = new Set<string>()
  const settled = new Set<string>()
  const settling = new Map<string, Promise<void>>()
  const listeners: (() => void)[] = []

  return {
    expect(id, scrubber) {
      if (!settled.has(id)) scrubbers.set(id, scrubber)
    },

    began(id, endsAt) {
      deadlines.keep(id, endsAt)
    },

    neverBegan(id) {
      scrubbers.delete(id)
    },

    died: settle,
    survey,
    end,
    removeSide,

    onEnd(listener) {
      listeners.push(listener)
    },

    async close() {
      deadlines.close()
      burials.close()
      await Promise.allSettled(settling.values())
    },
  }

  async function survey(signal: AbortSignal): Promise<RunningList> {
    const all = await containers.list(owner, signal)
    const runners = all.filter(({ mark }) => mark?.role === 'runner')
    const begun = new Set(starting())
    const living = new Set(begun)
    for (const { mark, life } of runners) {
      const { dispatch: id, endsAt } = mark ?? { dispatch: '', endsAt: null }
      if (life === 'living') {
        living.add(id)
        if (endsAt !== null) deadlines.keep(id, endsAt)
      } else if (life === 'ended') settle(id)
      else if (!begun.has(id)) burials.keep(id, clock.now() + remembered)
    }
    for (const id of widowed(all, living)) burials.keep(id, clock.now() + remembered)
    return { complete: true, dispatches: [...living] }
  }

  /** Clears away what a runner leaves, once. */
  function settle(id: string): void {
    if (closing.aborted || settling.has(id) || settled.has(id)) return
    const work = clearAway(id)
      .catch(() => undefined)
      .finally(() => settling.delete(id))
    settling.set(id, work)
  }

  async function clearAway(id: string): Promise<void> {
    const name = runnerContainer(owner, id)
    const found = name === null ? null : await containers.find(name, closing)
    // The end of its own engine is none of the runner, and one that was just made may be told of late.
    if (found !== null && found.life !== 'ended') return
    deadlines.forget(id)
    for (const listener of listeners) listener()
    const scrubber = scrubbers.get(id)
    scrubbers.delete(id)
    if (name === null || found?.mark?.owner !== owner) return
    settled.add(id)
    if (found.exitCode !== 0 && !ending.has(id)) note(await farewell(found, scrubber))
    burials.keep(id, clock.now() + Math.max(0, remembered - found.age))
    await removeSide(name, closing)
  }

  async function farewell(
    { name, exitCode, outOfMemory }: InspectedContainer,
    scrubber: Scrubber | undefined,
  ): Promise<string> {
    const how = outOfMemory ? 'ran out of memory' : `ended with exit code ${exitCode}`
    // Without its secrets at hand, as after a restart, nothing that it printed is repeated.
    const line = scrubber ? reason(await containers.lastLine(name, closing), scrubber) : ''
    return line === '' ? `the runner ${name} ${how}` : `the runner ${name} ${how}: ${line}`
  }

  async function end(id: string, signal: AbortSignal): Promise<void> {
    const name = runnerContainer(owner, id)
    if (name === null) return
    ending.add(id)
    try {
      const found = await containers.find(name, signal)
      if (found !== null && found.mark?.owner !== owner) return
      if (found?.life === 'living') await containers.stop(name, signal)
      if (found !== null) await containers.remove(name, { force: true }, signal)
      await removeSide(name, signal)
      deadlines.forget(id)
      scrubbers.delete(id)
    } finally {
      ending.delete(id)
    }
  }

  async function bury(id: string, signal: AbortSignal): Promise<void> {
    const name = runnerContainer(owner, id)
    const found = name === null ? null : await containers.find(name, signal)
    if (name === null || found?.life === 'living') return
    if (found?.mark?.owner === owner) await containers.remove(name, { force: false }, signal)
    await removeSide(name, signal)
    settled.delete(id)
  }

  async function removeSide(runner: string, signal: AbortSignal): Promise<void> {
    const name = sideName(runner)
    const found = await containers.find(name, signal)
    if (found?.mark?.owner !== owner || found.mark.role !== 'engine') return
    await containers.remove(name, { force: true }, signal)
    await containers.removeVolume(name, signal)
  }
}

/** The dispatches of engines whose runner does not live. */
function widowed(all: readonly Container[], living: ReadonlySet<string>): string[] {
  return all.flatMap(({ mark }) => (mark?.role === 'engine' && !living.has(mark.dispatch) ? [mark.dispatch] : []))
}
