import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** Fresh file names in a folder that goes with the tests of the file that asks. */
export function storeFiles(): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'muster-store-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  let made = 0
  return () => join(folder, `${++made}.db`)
}

/** How many commits a WAL holds: its frames whose header says the size of the database after a commit (https://www.sqlite.org/fileformat2.html#walformat). */
export function commitsIn(path: string): number {
  const wal = readFileSync(`${path}-wal`)
  if (wal.length === 0) return 0
  const salt = wal.subarray(16, 24)
  const frameSize = 24 + wal.readUInt32BE(8)
  let commits = 0
  for (let frame = 32; frame + frameSize <= wal.length; frame += frameSize) {
    const isCurrent = wal.subarray(frame + 8, frame + 16).equals(salt)
    if (isCurrent && wal.readUInt32BE(frame + 4) > 0) commits++
  }
  return commits
}
