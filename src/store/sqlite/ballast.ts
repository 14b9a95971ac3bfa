import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Enough for the pages that a clean-up and the outcomes of what is under way write before anything is free again. */
const size = 4 * 1024 * 1024

/**
 * A file beside the database that holds nothing but room. On a full disk SQLite can neither delete nor move its log into the file; once this
 * is let go it can do both.
 */
export interface Ballast {
  release(): void
  /** Puts it back where there is room for it and as much again; true when it stands. */
  restore(): boolean
}

export function ballastOf(path: string): Ballast {
  const file = `${path}-ballast`
  const stands = () => statSync(file, { throwIfNoEntry: false })?.size === size
  return {
    release: () => rmSync(file, { force: true }),
    restore() {
      if (stands()) return true
      try {
        const { bavail, bsize } = statfsSync(dirname(path))
        if (bavail * bsize < 2 * size) return false
        fill(file)
        return true
      } catch {
        // A limit on files or a quota may have less room than the disk.
        rmSync(file, { force: true })
        return false
      }
    },
  }
}

/** With noise: a file system that compresses or leaves holes would keep no room for zeros. */
function fill(file: string): void {
  const handle = openSync(file, 'w', 0o600)
  try {
    const block = randomFillSync(Buffer.allocUnsafe(64 * 1024))
    for (let written = 0; written < size; )
      written += writeSync(handle, block, 0, Math.min(block.length, size - written))
  } finally {
    closeSync(handle)
  }
}
