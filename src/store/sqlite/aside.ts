import { existsSync, renameSync } from 'node:fs'

/**
 * Sets a file that cannot be used any more aside, under a name with this moment in it, with what SQLite keeps beside it; answers the name.
 * The file goes first: beside one that is new and empty SQLite throws a log away, and never plays it back into it.
 */
export function setAside(path: string, at: number): string {
  const aside = `${path}.damaged-${new Date(at).toISOString().replaceAll(':', '-')}`
  for (const rest of ['', '-wal', '-journal']) {
    if (existsSync(path + rest)) renameSync(path + rest, aside + rest)
  }
  return aside
}
