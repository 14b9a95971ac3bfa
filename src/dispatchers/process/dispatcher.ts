import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pid, platform } from 'node:process'
import type { Dispatcher, DispatcherContext, DispatcherType, Launched, LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { accountOf } from './account.ts'
import { bringUp, type Prepared, prepare } from './bring-up.ts'
import type { Exit } from './child.ts'
import { isAlive, markOf } from './life.ts'
import { checkLimits } from './limits.ts'
import type { ProcessOptions } from './options.ts'
import { outputsIn } from './outputs.ts'
import { createProgramVersions, deprecatedIn, needOf } from './program-version.ts'
import { type RunnerRecord, recordsIn } from './record.ts'
import { createWatch } from './watch.ts'
import { removeFolder } from './work-folder.ts'

/** Runners as processes of this host: each in a session and a folder of its own. They live on when we end, and are found again. */
export const process: DispatcherType<ProcessOptions> = { kind: 'process', create }

/** So the runner of GitHub ends when its version is too old, where its run.sh passes that on (actions/runner#4285). */
const deprecatedExit = 7

const fileName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

function create(options: ProcessOptions, { owner, clock, note }: DispatcherContext): Dispatcher {
  const account = options.user === null ? null : accountOf(options.user)
  checkLimits(options.limits, platform)
  const records = recordsIn(options.workDir)
  const outputs = outputsIn(options.workDir, options.output)
  const folderOf = (id: string) => join(options.workDir, id)
  const closing = new AbortController()
  const starting = new Map<string, Promise<Launched>>()
  const complained = new Set<string>()
  /** The program of each runner of GitHub that we started, by dispatch id. */
  const ofGitHub = new Map<string, string>()
  const versions = createProgramVersions({ clock, note, signal: closing.signal })
  const watch = createWatch({ records, outputs, folderOf, account, clock, note, heard, closing: closing.signal })

  // Runners of an earlier process: their time goes on running out.
  let surveyed: Promise<unknown> = survey().catch((error: unknown) =>
    note(`the runners in ${options.workDir} cannot be read: ${error}`),
  )

  return {
    kind: 'process',
    traits: { credentials: 'ours', names: true, askAgain: true, stops: true, lists: true, local: true },

    launch(request, signal) {
      const known = starting.get(request.id)
      if (known !== undefined) return known
      const start = launch(request, AbortSignal.any([signal, closing.signal])).finally(() =>
        starting.delete(request.id),
      )
      starting.set(request.id, start)
      return start
    },

    async running(signal) {
      signal.throwIfAborted()
      const list = survey()
      surveyed = Promise.allSettled([surveyed, list])
      return list
    },

    async stop(id, signal) {
      signal.throwIfAborted()
      await starting.get(id)?.catch(() => undefined)
      const record = await records.read(id)
      if (!record || record.owner !== owner || record.endedAt !== null) return
      if (!record.runner) {
        if (await isAlive(record.starter))
          throw new Error(
            `process ${record.starter.pid} is starting the runner ${record.name}: it cannot be stopped yet`,
          )
        return
      }
      if (await isAlive(record.runner)) await watch.end(record)
      if (await isAlive(record.runner))
        throw new Error(`the runner ${record.name} (process ${record.runner.pid}) does not end`)
      await watch.settle(id)
    },

    onEnd: watch.onEnd,

    async close() {
      closing.abort()
      await Promise.allSettled([surveyed, ...starting.values()])
      await watch.atRest()
    },
  }

  async function launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    if (!fileName.test(request.id)) throw new DispatchRefused(reason(`the dispatch id "${request.id}" is no file name`))
    await mkdir(options.workDir, { recursive: true, mode: 0o711 }).catch((error: unknown) => {
      throw new DispatchRefused(reason(`work_dir cannot be made: ${error instanceof Error ? error.message : error}`))
    })
    const launched = { name: request.name }
    const held = await read(request.id)
    if (held && (await isOurs(held))) return launched
    const prepared = await prepare({ request, options, account, folder: folderOf(request.id) })
    await refuseUnfit(prepared)
    const claim = await claimed(request).catch((error: unknown) => {
      throw refusal(error, prepared)
    })
    if (claim === 'held') return launched
    return start(claim, prepared, signal)
  }

  /** A program that would not serve; the user's own command is not asked for its version. */
  async function refuseUnfit({ start, credential }: Prepared): Promise<void> {
    if (credential.kind === 'jit') return versions.refuseShunned(start.program)
    const need = options.command === null ? needOf(credential) : null
    if (need !== null) await versions.refuseOld(start, need)
  }

  async function start(claim: RunnerRecord, prepared: Prepared, signal: AbortSignal): Promise<Launched> {
    try {
      const child = await bringUp(prepared, { outputs, clock, signal })
      const record = { ...claim, runner: child.mark }
      await records.write(record).catch((error: unknown) => {
        child.abandon()
        throw error
      })
      if (prepared.credential.kind === 'jit') ofGitHub.set(claim.id, prepared.start.program)
      child.open()
      watch.follow(record, child.exit)
      return { name: record.name }
    } catch (error) {
      await discard(claim.id)
      throw refusal(error, prepared)
    }
  }

  /** Takes the dispatch id, also from a process of ours that died before its runner began. */
  async function claimed(request: LaunchRequest): Promise<RunnerRecord | 'held'> {
    const starter = await markOf(pid)
    if (!starter) throw new DispatchRefused('this process cannot find itself in the process table')
    const startedAt = clock.now()
    const { id, name } = request
    const deadline = startedAt + request.ttl
    const claim: RunnerRecord = {
      version: 1,
      owner,
      id,
      name,
      starter,
      runner: null,
      startedAt,
      deadline,
      endedAt: null,
    }
    const holder = await records.claim(claim)
    if (!holder) return claim
    if (await isOurs(holder)) return 'held'
    await discard(id)
    return claimed(request)
  }

  async function read(id: string): Promise<RunnerRecord | null> {
    return records.read(id).catch((error: unknown) => {
      throw new DispatchUnknown('the record of this runner cannot be read', { cause: error })
    })
  }

  /** True for a runner that was started under this id; false when its start came to nothing. */
  async function isOurs(holder: RunnerRecord): Promise<boolean> {
    if (holder.owner !== owner)
      throw new DispatchRefused(`the dispatch id ${holder.id} belongs to the owner "${holder.owner}"`)
    if (holder.runner) return true
    if (await isAlive(holder.starter))
      throw new DispatchUnknown(`process ${holder.starter.pid} is starting this runner`)
    return false
  }

  /** What lives, and whether that is all; ended ones are cleared away, and what nobody watches yet is watched. */
  async function survey() {
    const { records: found, unreadable } = await records.list()
    for (const path of unreadable)
      complain(`${path} cannot be read as the record of a runner; remove it once no runner of it is left`)
    const living = await Promise.all(found.filter((record) => record.owner === owner).map(lives))
    if (!closing.signal.aborted) await outputs.prune(clock.now())
    return { complete: unreadable.length === 0, dispatches: living.filter((id) => id !== null) }
  }

  function complain(sentence: string): void {
    if (!complained.has(sentence)) note(sentence)
    complained.add(sentence)
  }

  async function lives(record: RunnerRecord): Promise<string | null> {
    const { id, runner, starter, endedAt } = record
    if (endedAt !== null) await watch.forgetInTime(record)
    else if (runner && (await isAlive(runner))) {
      // One that is just being started is followed as our child, which tells more.
      if (!starting.has(id)) watch.follow(record)
      return id
    } else if (runner) {
      // That it has ended is known, whether or not the disk has room to note it.
      if (!watch.follows(id))
        await watch.settle(id).catch((error: unknown) => complain(`${record.name} cannot be cleared away: ${error}`))
    } else if (starting.has(id) || (await isAlive(starter))) return id
    else await discardLeft(record)
    return null
  }

  /** Clears a start away that died with its process, unless it was taken over since it was read. */
  async function discardLeft({ id, starter }: RunnerRecord): Promise<void> {
    const now = await records.read(id)
    if (now?.runner === null && now.starter.pid === starter.pid && now.starter.mark === starter.mark) await discard(id)
  }

  async function discard(id: string): Promise<void> {
    const folder = folderOf(id)
    // A folder that stays must not keep the start among those under way.
    await removeFolder(folder, account).catch((error: unknown) => note(`${folder} cannot be removed: ${error}`))
    await outputs.discard(id)
    await records.remove(id)
  }

  async function heard({ id }: RunnerRecord, { exit, lastWords }: { exit: Exit | undefined; lastWords: string }) {
    const program = ofGitHub.get(id)
    ofGitHub.delete(id)
    const version = deprecatedIn(lastWords)
    if (program !== undefined && (version !== null || exit?.code === deprecatedExit))
      await versions.shun(program, version)
  }
}

function refusal(error: unknown, { scrubber }: Prepared): Error {
  if (error instanceof DispatchRefused || error instanceof DispatchUnknown) return error
  if (error instanceof Error && error.name === 'AbortError')
    return new DispatchRefused('the start was given up before the runner began')
  return new DispatchRefused(
    reason(`the runner could not be started: ${error instanceof Error ? error.message : error}`, scrubber),
  )
}
