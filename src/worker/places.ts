import type { Clock } from '../clock.ts'
import type { RunningList } from '../core/look.ts'
import type { Dispatcher, DispatcherTraits } from '../dispatchers/dispatcher.ts'

/** A dispatcher as one configuration has it. */
export interface Place {
  readonly dispatcher: Dispatcher
  /** Calls to it under way. */
  calls: number
  /** It was seen to answer only when its runner had ended. */
  blocking: boolean
  /** What it ran when it last told; null before that. */
  ran: readonly string[] | null
  /** By the monotonic clock, when another took its place; null while none has. */
  leftAt: number | null
}

/** A place that was left and cannot tell what it runs is given up after so long. Milliseconds. */
const longestLeave = 24 * 60 * 60_000

/** Where the calls of one lane go: the place of the configuration in force, and those before it that still have runners. */
export class Places {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #onEnd: () => void
  #now: Place | null = null
  #left: Place[] = []
  #traits: DispatcherTraits

  /** `onEnd` is called when something that any of them runs has ended. */
  constructor(dispatcher: Dispatcher, clock: Pick<Clock, 'monotonic'>, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
    this.#traits = dispatcher.traits
    this.move(dispatcher)
  }

  /** Where runners are asked for; null once nothing is asked of this lane any more. */
  get now(): Place | null {
    return this.#now
  }

  get traits(): DispatcherTraits {
    return this.#traits
  }

  /** Some of them can list what they run. */
  get lists(): boolean {
    return this.#all.some(({ dispatcher }) => dispatcher.traits.lists)
  }

  /** Nothing is asked of it, and nothing that it ran is left. */
  get isOver(): boolean {
    return this.#all.length === 0
  }

  get #all(): readonly Place[] {
    return this.#now ? [this.#now, ...this.#left] : this.#left
  }

  /** From now on runners are asked for there, or nowhere. What runs at the place before is still seen and ended. */
  move(dispatcher: Dispatcher | null): void {
    const before = this.#now
    if (dispatcher) this.#traits = dispatcher.traits
    this.#now = dispatcher && { dispatcher, calls: 0, blocking: false, ran: null, leftAt: null }
    dispatcher?.onEnd?.(this.#onEnd)
    if (!before) return
    before.leftAt = this.#clock.monotonic()
    this.#left.push(before)
    this.#releaseIfSilent(before)
  }

  began(place: Place): void {
    place.calls++
  }

  done(place: Place): void {
    place.calls--
    this.#releaseIfSilent(place)
  }

  /** What they run together; null where none can list. */
  async running(signal: AbortSignal): Promise<RunningList | null> {
    const now = this.#now
    const left = this.#left
    const [current, ...before] = await Promise.all([
      now?.dispatcher.running?.(signal) ?? null,
      ...left.map((place) => this.#listLeft(place, signal)),
    ])
    if (now && current?.complete) now.ran = current.dispatches
    const lists = [current, ...before].filter((list) => list !== null)
    // A move meanwhile: what the place before saw says nothing of what the new one sees.
    if (now === this.#now)
      for (const [index, place] of left.entries()) this.#releaseIfSeen(place, before[index]!, current)
    if (lists.length === 0) return null
    return {
      complete: lists.every(({ complete }) => complete),
      dispatches: [...new Set(lists.flatMap(({ dispatches }) => dispatches))],
    }
  }

  /** Wherever it runs; content when it is already gone. */
  async stop(id: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all.map(({ dispatcher }) => dispatcher.stop?.(id, signal)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ dispatcher }) => dispatcher.close?.()))
  }

  /** While it does not answer, what it ran when it last did is taken to live: the place that follows it is not held up by it. */
  async #listLeft(place: Place, signal: AbortSignal): Promise<RunningList | null> {
    const { dispatcher } = place
    if (!dispatcher.running) return null
    const list = await dispatcher.running(signal).catch(() => ({ complete: false, dispatches: [] }))
    if (list.complete) place.ran = list.dispatches
    return { complete: list.complete || place.ran !== null, dispatches: [...(place.ran ?? []), ...list.dispatches] }
  }

  /** Let go when the place that follows it sees all that it runs: it is the same one, or nothing is left there. */
  #releaseIfSeen(place: Place, list: RunningList | null, current: RunningList | null): void {
    const seen = new Set(current?.complete ? current.dispatches : [])
    const isEmpty = list?.complete && list.dispatches.every((id) => seen.has(id))
    const isLate = this.#clock.monotonic() - (place.leftAt ?? 0) > longestLeave
    if (place.calls === 0 && (isEmpty || isLate)) this.#release(place)
  }

  /** One that tells nothing of its runners is let go with its last call. */
  #releaseIfSilent(place: Place): void {
    if (place.leftAt !== null && place.calls === 0 && !place.dispatcher.traits.lists) this.#release(place)
  }

  #release(place: Place): void {
    this.#left = this.#left.filter((one) => one !== place)
    place.dispatcher.close?.().catch(() => undefined)
  }
}
