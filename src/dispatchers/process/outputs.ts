import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, truncate, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Account } from './account.ts'

/** What is kept of what runners print. Sizes in bytes. */
export interface OutputOptions {
  /** A file that has grown beyond it is turned over. */
  maxSize: number
  /** So many files of a runner that were turned over are kept beside the one that grows. */
  keep: number
  /** So many runners that have ended leave theirs. */
  ended: number
  /** Milliseconds after its end. */
  endedAge: number
  /** All that is left of them together. */
  endedSize: number
}

/**
 * What the runners of one work_dir print, in folders that only we can enter: a job cannot put a link in the place of a file that we
 * shorten. A runner writes straight to its file, so that it lives on without us.
 */
export interface Outputs {
  /** A new file for a runner; what is written goes to its end, wherever that is by then. */
  begin(id: string, account: Account | null): Promise<FileHandle>
  /** Turns the file over when it has grown too large. What is printed between the copy and the cut is lost. */
  cap(id: string): Promise<void>
  /** Lays it to those of the ended; answers where, and null when it printed to no file of ours or none is kept. */
  end(id: string, now: number): Promise<string | null>
  /** The last that it printed, at most 4 KiB; empty when there is none. */
  lastWords(id: string): Promise<string>
  discard(id: string): Promise<void>
  /** Removes what is too much of the ended ones, the oldest first. */
  prune(now: number): Promise<void>
}

const lastBytes = 4_096

export function outputsIn(workDir: string, { maxSize, keep, ended, endedAge, endedSize }: OutputOptions): Outputs {
  const [living, dead] = [join(workDir, '.output'), join(workDir, '.ended')]
  const path = (id: string, turn = 0) => join(living, fileName(id, turn))

  return {
    async begin(id, account) {
      await mkdir(living, { recursive: true, mode: 0o700 })
      await discard(id)
      const file = await open(path(id), 'ax', 0o600)
      // Else a job could not open /dev/stderr.
      if (account) await file.chown(account.uid, account.gid)
      return file
    },

    async cap(id) {
      const size = await sizeOf(path(id))
      if (size <= maxSize) return
      for (let turn = keep; turn > 1; turn--) await move(path(id, turn - 1), path(id, turn))
      if (keep > 0) {
        const read = createReadStream(path(id), { start: size - maxSize, end: size - 1 })
        await pipeline(read, createWriteStream(path(id, 1), { mode: 0o600 }))
      }
      await truncate(path(id))
    },

    async end(id, now) {
      const files = (await fileNames(living)).filter((name) => idOf(name) === id)
      if (ended === 0 || files.length === 0) {
        await discard(id)
        return null
      }
      await mkdir(dead, { recursive: true, mode: 0o700 })
      for (const name of files) {
        await move(join(living, name), join(dead, name))
        await utimes(join(dead, name), now / 1_000, now / 1_000)
      }
      return join(dead, fileName(id, 0))
    },

    async lastWords(id) {
      const size = await sizeOf(path(id))
      if (size <= 0) return ''
      const chunks = createReadStream(path(id), { start: Math.max(0, size - lastBytes), end: size - 1 })
      return Buffer.concat(await chunks.toArray()).toString('utf8')
    },

    discard,

    async prune(now) {
      const left = Map.groupBy(await sizes(dead), ({ id }) => id)
      const newest = [...left.values()].sort((a, b) => endOf(b) - endOf(a))
      let room = endedSize
      for (const [place, files] of newest.entries()) {
        room -= files.reduce((sum, { size }) => sum + size, 0)
        if (place < ended && room >= 0 && now - endOf(files) <= endedAge) continue
        for (const { name } of files) await rm(join(dead, name), { force: true })
      }
    },
  }

  async function discard(id: string): Promise<void> {
    for (const name of await fileNames(living)) if (idOf(name) === id) await rm(join(living, name), { force: true })
  }
}

interface Left {
  id: string
  name: string
  size: number
  endedAt: number
}

function endOf(files: readonly Left[]): number {
  return Math.max(...files.map(({ endedAt }) => endedAt))
}

async function sizes(folder: string): Promise<Left[]> {
  const left: Left[] = []
  for (const name of await fileNames(folder)) {
    const id = idOf(name)
    const file = id === null ? null : await stat(join(folder, name)).catch(nullIfAbsent)
    if (id !== null && file) left.push({ id, name, size: file.size, endedAt: file.mtimeMs })
  }
  return left
}

function fileName(id: string, turn: number): string {
  return turn === 0 ? `${id}.log` : `${id}.log.${turn}`
}

function idOf(name: string): string | null {
  return /^(.+)\.log(?:\.\d+)?$/.exec(name)?.[1] ?? null
}

/** -1 for a file that is not there. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(nullIfAbsent))?.size ?? -1
}

async function fileNames(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(nullIfAbsent)) ?? []
}

async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(nullIfAbsent)
}

function nullIfAbsent(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
