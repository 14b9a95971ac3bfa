import type { Change } from './changes.ts'

/** What is wrong with a configuration that a reload refused. */
export interface Refusal {
  /** `file:line:column`; null where it is no matter of one place. */
  at: string | null
  path: string
  message: string
}

/** What came of a reload. */
export type Reloaded =
  /** It is in force. `restartNeeded` are the keys that keep their old value until the next start. */
  | { kind: 'adopted'; changes: readonly Change[]; restartNeeded: readonly string[] }
  /** The one before stays in force, all of it. */
  | { kind: 'refused'; problems: readonly Refusal[] }

/** Takes the configuration up as it is now. `by` says who asked. Never throws. */
export type Reload = (by: string) => Reloaded
