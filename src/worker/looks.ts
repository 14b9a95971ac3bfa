import type { Job } from '../core/job.ts'
import type { Capabilities } from '../forges/forge.ts'
import type { TurnDeps } from './deps.ts'
import { type Observation, observe } from './observe.ts'
import { recover } from './recover.ts'

/** What a forge can do is asked again after so long: it may have been upgraded. Milliseconds. */
const believed = 24 * 60 * 60_000
/** Lost deliveries are read back no more often than this. Milliseconds. */
const recoveryPause = 60_000

/** The looks of one instance: one at a time, beside its turns. */
export class Looks {
  /** The last one that was taken; null before the first. */
  last: { beganAt: number; complete: boolean; error: string | null } | null = null
  /** When the first look of an unbroken row of incomplete ones began; null while they are complete. */
  failingSince: number | null = null
  #deps: TurnDeps
  readonly #ended: () => void
  readonly #abandoned = new AbortController()
  #seen: Observation | null = null
  #underWay: Promise<void> | null = null
  #capabilities: Capabilities | null = null
  #probedAt = 0
  #recoveredAt: number | null = null
  #firstRecoveredAt: number | null = null
  /** More may have got lost than was read back, and no look at the whole scope has come back since. */
  #wholeOwed = false

  constructor(deps: TurnDeps, ended: () => void) {
    this.#deps = deps
    this.#ended = ended
  }

  /** By another configuration from the next look on; the forge is the same. */
  reconfigure(deps: TurnDeps): void {
    this.#deps = deps
  }

  /** Gives up the one that is under way. */
  abandon(): void {
    this.#abandoned.abort()
  }

  get underWay(): boolean {
    return this.#underWay !== null
  }

  /** Null until the forge answered once. */
  get capabilities(): Capabilities | null {
    return this.#capabilities
  }

  /** When this process had first read lost deliveries back; null before that. */
  get firstRecoveredAt(): number | null {
    return this.#firstRecoveredAt
  }

  /** `only` names the repositories with open jobs where webhooks are trusted; null asks for the whole scope. */
  begin(only: readonly string[] | null, signal: AbortSignal): void {
    const { clock } = this.#deps
    const beganAt = clock.now()
    const known = beganAt < this.#probedAt + believed ? this.#capabilities : null
    const isTime = this.#recoveredAt === null || beganAt >= this.#recoveredAt + recoveryPause
    // Without what was lost only a look at everything tells; so the first look is one.
    const narrowed = this.#recoveredAt === null || this.#wholeOwed ? null : only
    const question = { known, only: narrowed, recover: isTime ? this.#recover : null }
    const began = clock.monotonic()
    const given = AbortSignal.any([signal, this.#abandoned.signal])
    this.#underWay = observe(this.#deps, question, given).then((seen) => {
      this.#measure(seen, clock.monotonic() - began)
      this.#note(seen, known, beganAt)
      this.#seen = seen
      this.#underWay = null
      this.#ended()
    })
  }

  /** What the look that has come back saw; null when none has. */
  take(): Observation | null {
    const seen = this.#seen
    this.#seen = null
    if (seen) {
      const { beganAt, complete } = seen.result
      this.last = { beganAt, complete, error: seen.error }
      this.failingSince = complete ? null : (this.failingSince ?? beganAt)
    }
    return seen
  }

  /** The turn that took it failed: it is there for the next one, unless a newer one has come. */
  giveBack(seen: Observation | null): void {
    this.#seen ??= seen
  }

  async settled(): Promise<void> {
    await this.#underWay
  }

  readonly #recover = (signal: AbortSignal) => recover(this.#deps, signal)

  #measure({ result: { beganAt, complete } }: Observation, took: number): void {
    const { metrics, instance } = this.#deps
    metrics.look.observe({ instance, complete: String(complete) }, took / 1_000)
    if (complete) metrics.lastLook.set({ instance }, beganAt / 1_000)
  }

  #note(seen: Observation, known: Capabilities | null, beganAt: number): void {
    if (known === null && seen.capabilities !== null) this.#probedAt = beganAt
    // A list that was promised and is not there: the scope was renamed, or the forge is another one by now.
    this.#capabilities = seen.listMissing ? null : (seen.capabilities ?? this.#capabilities)
    // The watermark has moved on: what a list that failed did not answer, no later delivery tells.
    this.#wholeOwed = seen.result.jobsFailed && (this.#wholeOwed || seen.recovery?.gap === true)
    if (seen.recovery === null) return
    this.#recoveredAt = beganAt
    this.#firstRecoveredAt ??= this.#deps.clock.now()
  }
}

/** What a narrowed look asks about: where jobs wait or run, or are perhaps to run again. */
export function openRepositories(jobs: readonly Job[]): string[] {
  const open = jobs.filter(({ state, requeuedAt }) => state !== 'finished' || requeuedAt !== null)
  return [...new Set(open.flatMap(({ repository }) => repository ?? []))]
}
