import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const processMark = z.object({ pid: z.int().positive(), mark: z.string() })

const record = z.object({
  version: z.literal(1),
  /** The mark of our runners: those of another owner are none of our business. */
  owner: z.string(),
  /** The dispatch id. */
  id: z.string(),
  name: z.string(),
  /** The process of ours that starts it: while that lives and `runner` is null, the start is under way. */
  starter: processMark,
  /** Null until it is started; written before the runner's first instruction. */
  runner: processMark.nullable(),
  /** Epoch milliseconds. */
  startedAt: z.number(),
  /** Epoch milliseconds at which its `ttl` is over. */
  deadline: z.number(),
  /** Epoch milliseconds; null while it lives. */
  endedAt: z.number().nullable(),
})

/** What is kept on disk of one runner, so that a later process of ours finds it again. Never a secret. */
export type RunnerRecord = z.infer<typeof record>

/**
 * The records of one work_dir, in a folder of their own: a runner can write to its work folder, and what is read here decides who is killed.
 * A record outlives its runner, so that a request asked twice starts nothing twice.
 */
export interface Records {
  /** Takes the id, or answers who has it. */
  claim(claimed: RunnerRecord): Promise<RunnerRecord | null>
  write(changed: RunnerRecord): Promise<void>
  /** Null when there is none; rejects when it cannot be read or understood. */
  read(id: string): Promise<RunnerRecord | null>
  remove(id: string): Promise<void>
  /** All that can be read, and the files that cannot. */
  list(): Promise<{ records: RunnerRecord[]; unreadable: string[] }>
}

export function recordsIn(workDir: string): Records {
  const folder = join(workDir, '.records')
  const path = (id: string) => join(folder, `${id}.json`)

  return {
    async claim(claimed) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const written = await draft(claimed)
      try {
        await link(written, path(claimed.id))
        return null
      } catch (error) {
        const holder = hasCode(error, 'EEXIST') ? await read(claimed.id) : null
        if (holder) return holder
        throw error
      } finally {
        await rm(written, { force: true })
      }
    },

    async write(changed) {
      await rename(await draft(changed), path(changed.id))
    },

    read,

    async remove(id) {
      await rm(path(id), { force: true })
    },

    async list() {
      const files = await readdir(folder).catch((error: unknown) => {
        if (hasCode(error, 'ENOENT')) return []
        throw error
      })
      const list = { records: [] as RunnerRecord[], unreadable: [] as string[] }
      // One after the other: all at once, they may be more than we may have files open.
      for (const id of files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length))) {
        const found = await attempt(id)
        if (found === 'unreadable') list.unreadable.push(path(id))
        else if (found !== null) list.records.push(found)
      }
      return list
    },
  }

  async function read(id: string): Promise<RunnerRecord | null> {
    try {
      return record.parse(JSON.parse(await readFile(path(id), 'utf8')))
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null
      throw error
    }
  }

  function attempt(id: string): Promise<RunnerRecord | null | 'unreadable'> {
    return read(id).catch(() => 'unreadable')
  }

  // Each version is whole before it bears the name: a reader never meets half a record.
  async function draft(content: RunnerRecord): Promise<string> {
    const draftPath = join(folder, `.${content.id}.${crypto.randomUUID()}`)
    await writeFile(draftPath, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
    return draftPath
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
