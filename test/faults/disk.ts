import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stage } from '../journeys/stage.ts'

/** Whether this user may mount a file system: on Linux, root mostly. */
export const canMount = triesToMount()

function triesToMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'muster-mount-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'muster', folder]).status === 0
  if (mounted) execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return mounted
}

/** A disk of so many MiB of its own, in memory, until the journey ends. */
export function smallDisk(stage: Stage, mib: number): string {
  const folder = join(stage.folder, 'disk')
  mkdirSync(folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'muster', folder])
  stage.onEnd(() => execFileSync('umount', ['-l', folder]))
  return folder
}

/** Fills a disk up to its last block; answers how to make room again. */
export function fill(folder: string): () => void {
  const file = join(folder, 'filler')
  const handle = openSync(file, 'w')
  const block = Buffer.alloc(64 * 1024)
  for (let size = block.length; size >= 512; ) {
    try {
      if (writeSync(handle, block, 0, size) < size) size = 512
    } catch {
      size /= 2
    }
  }
  closeSync(handle)
  return () => rmSync(file)
}

/** Bytes that can still be written. */
export function roomOn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
