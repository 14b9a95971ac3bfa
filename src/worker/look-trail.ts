import { type Event, type EventDetail, eventAbout } from '../core/event.ts'
import type { TurnDeps } from './deps.ts'
import type { Observation } from './observe.ts'

/** Looks that brought nothing are told together, after so long at the latest. Milliseconds. */
const fold = 60 * 60_000

type Deps = Pick<TurnDeps, 'store' | 'instance' | 'clock' | 'log'>

/** What the looks of an instance leave in its trail. */
export class LookTrail {
  /** The last look that was told, in short; null before the first. */
  #told: { at: number; outcome: string } | null = null
  /** Looks since that went like it and brought nothing. */
  #quiet = 0
  /** Why the look under way is told of whatever it brings; null when it is one of many. */
  #why: 'start' | 'asked' | null = null

  began(deps: Deps, why: 'start' | 'asked' | null): void {
    this.#why = why
    if (why !== null) append(deps, 'look_began', { why })
  }

  /** Polling would fill the trail with looks that see the same again: those are counted, and told with the next one that does not. */
  ended(deps: Deps, { result, look, error }: Observation, broughtNews: boolean): void {
    const now = deps.clock.now()
    const outcome = JSON.stringify([result.complete, error])
    const isLikeBefore = this.#told !== null && this.#told.outcome === outcome && now < this.#told.at + fold
    if (isLikeBefore && !broughtNews && this.#why === null) {
      this.#quiet++
      return
    }
    append(deps, 'look_ended', {
      complete: result.complete,
      jobs: look.jobs?.jobs.length ?? null,
      runners: look.runners?.runners.length ?? null,
      error,
      ms: now - result.beganAt,
      quiet: this.#quiet,
    })
    this.#told = { at: now, outcome }
    this.#quiet = 0
    this.#why = null
  }
}

/** A trail that cannot be written holds up nobody. */
function append({ store, instance, clock, log }: Deps, type: Event['type'], detail: EventDetail): void {
  store
    .append([eventAbout(type, { at: clock.now(), instance }, detail)])
    .catch((error) => log.warn({ err: error, type }, 'an event could not be kept'))
}
