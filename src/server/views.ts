import type { LabelRules } from '../core/labels.ts'
import type { Mode } from '../core/mode.ts'
import type { DispatcherTraits } from '../dispatchers/dispatcher.ts'
import type { Capabilities, HookState } from '../forges/forge.ts'

/** What the worker of one instance lets be seen: memory of this process, read at the moment of the answer. Times are epoch milliseconds. */
export interface WorkerView {
  readonly mode: Mode
  /** How its forge compares labels. */
  readonly labels: LabelRules
  /** Null until the forge answered once. */
  readonly capabilities: Capabilities | null
  /** Null until one was made. `error` is a sentence without a secret. */
  readonly lastLook: { beganAt: number; complete: boolean; error: string | null } | null
  /** When the first look of an unbroken row of looks that were not whole began; null while they are. */
  readonly lookFailingSince: number | null
  /** Null while no look is planned. */
  readonly nextLookAt: number | null
  /** Null until our webhook was made sure of. */
  readonly hook: { id: string; done: HookState['done']; notes: readonly string[] } | null
  /** Asks for a look at once, whatever is planned; returns without waiting for it. */
  lookNow(): void
}

/** What the calls to one dispatcher let be seen. */
export interface LaneView {
  /** It was seen to answer only when its runner had ended. */
  readonly blocking: boolean
  readonly traits: Pick<DispatcherTraits, 'names'>
}
