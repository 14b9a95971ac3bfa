import type { Ballast } from './ballast.ts'
import { codeOf, sqliteCode } from './database.ts'

/**
 * `full`: the disk is; the ballast was let go, and what is under way is still recorded as far as that goes, but nothing new is.
 * `failing`: writes fail for another reason; each is tried. `damaged`: the file cannot be trusted any more, and nothing new is recorded in it.
 */
export type Health = 'well' | 'full' | 'failing' | 'damaged'

export interface HealthKept {
  readonly now: Health
  /** Whether something new may be recorded. On a full disk it looks whether there is room again. */
  admits(): boolean
  /** Something was written. */
  wrote(): void
  /** A commit failed, or something was read that made no sense. */
  failed(error: unknown): void
}

export interface HealthDeps {
  /** Null where there is no file. */
  ballast: Ballast | null
  /** Moves the log into the file, which frees the room that the log has taken. */
  checkpoint(): void
  /** Called with each change and, where there is one, its cause. */
  told(health: Health, cause?: unknown): void
}

export function keepHealth({ ballast, checkpoint, told }: HealthDeps): HealthKept {
  let health: Health = 'well'
  // Without room for it the service starts all the same: a start is not the time to refuse.
  ballast?.restore()

  function turn(to: Health, cause?: unknown): void {
    if (health === to) return
    health = to
    told(to, cause)
  }

  return {
    get now() {
      return health
    },
    admits() {
      if (health === 'full' && ballast?.restore() !== false) turn('well')
      return health === 'well' || health === 'failing'
    },
    wrote() {
      if (health === 'failing') turn('well')
    },
    failed(error) {
      if (health === 'damaged') return
      switch (codeOf(error)) {
        case sqliteCode.full:
          ballast?.release()
          checkpoint()
          return turn('full', error)
        case sqliteCode.corrupt:
        case sqliteCode.notADatabase:
          return turn('damaged', error)
        case sqliteCode.readonly:
        case sqliteCode.ioError:
        case sqliteCode.cannotOpen:
          return turn('failing', error)
      }
    },
  }
}
