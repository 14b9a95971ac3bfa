import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../clock.ts'
import { credentialFiles } from '../recipe.ts'
import type { Account } from './account.ts'
import type { Exit } from './child.ts'
import { end as endGroup, isAlive, type ProcessMark } from './life.ts'
import type { Outputs } from './outputs.ts'
import type { Records, RunnerRecord } from './record.ts'
import { removeFolder } from './work-folder.ts'

/** How often a runner that is no child of ours is looked at. Milliseconds. */
const glance = 5_000
/** How often the size of an output is looked at. Milliseconds. */
const capping = 2_000
/** A runner reads its credential at its start; after this many milliseconds the files are gone. */
const credentialLife = 60_000
/** A record is kept this long after the runner's deadline, so that a late repeat of its request starts nothing. Milliseconds. */
const remembered = 3_600_000
/** A runner that fails this soon tells of a fault in its set-up. Milliseconds. */
const early = 30_000

export interface Watch {
  /** Sees a runner to its end: by itself, or by its deadline. `exit` is known of our own children alone. */
  follow(record: RunnerRecord, exit?: Promise<Exit>): void
  follows(id: string): boolean
  /** Ends a runner that lives, or that was just seen to end, and all that it started. */
  end(record: RunnerRecord): Promise<void>
  /** Clears away what a runner that has ended leaves. Content when that was done before. */
  settle(id: string, exit?: Exit): Promise<void>
  forgetInTime(record: RunnerRecord): Promise<void>
  onEnd(listener: () => void): void
  /** Resolves when what was being cleared away or shortened is. After `closing` nothing more is: the next process does it. */
  atRest(): Promise<void>
}

export interface WatchPorts {
  records: Records
  outputs: Outputs
  folderOf: (id: string) => string
  account: Account | null
  clock: Clock
  note: (sentence: string) => void
  /** A runner has ended, with these words as the last that it printed. */
  heard: (record: RunnerRecord, end: { exit: Exit | undefined; lastWords: string }) => Promise<void>
  /** Aborted when we let go: runners live on, and the next process follows them. */
  closing: AbortSignal
}

/** Watches over the runners of one dispatcher. */
export function createWatch({ records, outputs, folderOf, account, clock, note, heard, closing }: WatchPorts): Watch {
  const followed = new Set<string>()
  const ending = new Map<string, Promise<void>>()
  const settling = new Map<string, Promise<void>>()
  const shortening = new Map<string, Promise<void>>()
  const listeners: (() => void)[] = []

  return {
    follow(record, exit) {
      if (closing.aborted || !record.runner || followed.has(record.id)) return
      followed.add(record.id)
      follow(record, record.runner, exit)
        .catch((error: unknown) => note(`the runner ${record.name} cannot be watched: ${error}`))
        .finally(() => followed.delete(record.id))
    },

    follows: (id) => followed.has(id),
    end,
    settle,

    async forgetInTime({ id, deadline }) {
      if (clock.now() > deadline + remembered) await records.remove(id)
    },

    onEnd(listener) {
      listeners.push(listener)
    },

    async atRest() {
      await Promise.allSettled([...settling.values(), ...shortening.values()])
    },
  }

  async function follow(record: RunnerRecord, runner: ProcessMark, exit?: Promise<Exit>): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([closing, over.signal])
    void removeCredential(record, signal)
    void capOutput(record, signal)
    const how = await Promise.race([exit ?? gone(runner, signal), endAtDeadline(record, runner, signal)])
    over.abort()
    if (closing.aborted) return
    await end(record)
    await settle(record.id, how)
  }

  async function endAtDeadline(record: RunnerRecord, runner: ProcessMark, signal: AbortSignal): Promise<undefined> {
    await until(record.deadline, signal)
    while (!signal.aborted && (await mayLive(runner))) await end(record).catch(() => clock.sleep(glance, signal))
  }

  // A second SIGTERM means haste to many programs: whoever wants a runner ended while it ends waits for that.
  function end({ id, runner }: RunnerRecord): Promise<void> {
    return runner ? once(ending, id, () => endGroup(runner, clock)) : Promise.resolve()
  }

  function settle(id: string, exit?: Exit): Promise<void> {
    return closing.aborted ? Promise.resolve() : once(settling, id, () => clearAway(id, exit))
  }

  async function clearAway(id: string, exit?: Exit): Promise<void> {
    const record = await records.read(id)
    if (!record?.runner || record.endedAt !== null) return
    const endedAt = clock.now()
    await shortening.get(id)?.catch(() => undefined)
    await keepOutput(record, endedAt, exit)
    const folder = folderOf(id)
    // A folder that stays must not keep the runner among those that live.
    await removeFolder(folder, account).catch((error: unknown) =>
      note(`the folder ${folder} of a runner that has ended cannot be removed: ${error}`),
    )
    await records.write({ ...record, endedAt })
    for (const listener of listeners) listener()
  }

  async function keepOutput(record: RunnerRecord, endedAt: number, exit: Exit | undefined): Promise<void> {
    const { id, name, startedAt } = record
    await heard(record, { exit, lastWords: await outputs.lastWords(id) })
    const path = await outputs.end(id, endedAt)
    await outputs.prune(endedAt)
    if (!exit?.code || endedAt - startedAt >= early) return
    const where = path === null ? 'its output was not kept ("output.ended" is 0)' : `its output is in ${path}`
    note(`the runner ${name} ended with exit code ${exit.code} soon after its start; ${where}`)
  }

  async function capOutput({ id, name }: RunnerRecord, signal: AbortSignal): Promise<void> {
    for (let failed = false; !signal.aborted; await clock.sleep(capping, signal)) {
      await once(shortening, id, () => outputs.cap(id)).catch((error: unknown) => {
        if (!failed) note(`the output of the runner ${name} cannot be shortened: ${error}`)
        failed = true
      })
    }
  }

  async function gone(runner: ProcessMark, signal: AbortSignal): Promise<undefined> {
    while (!signal.aborted && (await mayLive(runner))) await clock.sleep(glance, signal)
  }

  async function until(moment: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && clock.now() < moment) await clock.sleep(moment - clock.now(), signal)
  }

  // A job may have put a folder in their place: that goes with the work folder.
  async function removeCredential({ id, name, startedAt }: RunnerRecord, signal: AbortSignal): Promise<void> {
    await until(startedAt + credentialLife, signal)
    if (signal.aborted) return
    for (const file of credentialFiles)
      await rm(join(folderOf(id), file), { force: true }).catch((error: unknown) =>
        note(`${file} of the runner ${name} cannot be removed: ${error}`),
      )
  }
}

/** What cannot be seen may live. */
function mayLive(runner: ProcessMark): Promise<boolean> {
  return isAlive(runner).catch(() => true)
}

/** Does a thing that is under way only once. */
function once(underWay: Map<string, Promise<void>>, id: string, begin: () => Promise<void>): Promise<void> {
  const already = underWay.get(id)
  if (already !== undefined) return already
  const begun = begin().finally(() => underWay.delete(id))
  underWay.set(id, begun)
  return begun
}
