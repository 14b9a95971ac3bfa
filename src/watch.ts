import type { Clock } from './clock.ts'
import { stampOf } from './fields/stamp.ts'

/** How often the files are looked at, and for how long a change must have rested: an editor may still be writing. Milliseconds. */
const beat = 2_000

/** Calls `changed` when one of the files has been written or replaced. `files` is asked each time; null while nobody wants to know. */
export async function watchFiles(
  files: () => readonly string[] | null,
  changed: () => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let known = new Map<string, string | null>()
  let last = new Map<string, string | null>()
  while (!signal.aborted) {
    const now = new Map((files() ?? []).map((file) => [file, stampOf(file)]))
    const isOther = [...now].some(([file, stamp]) => known.has(file) && known.get(file) !== stamp)
    const isAtRest = [...now].every(([file, stamp]) => !last.has(file) || last.get(file) === stamp)
    if (isAtRest) known = now
    if (isOther && isAtRest) changed()
    last = now
    await clock.sleep(beat, signal)
  }
}
