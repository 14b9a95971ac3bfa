import { env as ourEnv } from 'node:process'
import type { Credential } from '../../core/credential.ts'
import type { Finding } from '../../core/finding.ts'
import { Scrubber } from '../../secret.ts'
import { createDeadlines } from '../deadlines.ts'
import type { Dispatcher, DispatcherContext, DispatcherType, Launched, LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { secretsOf } from '../recipe.ts'
import { startScript } from '../start-script.ts'
import type { CommandOptions, ToolOptions } from './options.ts'
import { ownCommand } from './own-command.ts'
import { presetTool } from './presets/presets.ts'
import { type Programs, runProgram, startProgram } from './programs.ts'
import type { Listing, Tool } from './tool.ts'

/** Runners by way of programs: one of the user's own, or a tool that is known here. */
export const command: DispatcherType<CommandOptions> = { kind: 'command', create }

const longestPause = 60_000

function create(options: CommandOptions, { owner, clock, note }: DispatcherContext): Dispatcher {
  const tool = toolOf(options.tool, () => clock.now())
  const { traits } = tool
  const place = { env: environment(options.env), cwd: options.workDir ?? undefined }
  const closing = new AbortController()
  const starting = new Map<string, Promise<Launched>>()
  const doubts = new Set<string>()
  const alive = new Set<string>()
  const deadlines = createDeadlines(clock, (id) => stop(id, closing.signal))
  const adopted = traits.lists && traits.stops ? adopt() : Promise.resolve()
  let undated = false

  return {
    kind: 'command',
    traits: {
      credentials: 'ours',
      names: true,
      askAgain: traits.idempotent,
      stops: traits.stops,
      lists: traits.lists,
      local: traits.local,
    },

    launch(request, signal) {
      const known = starting.get(request.id)
      if (known !== undefined) return known
      const start = launch(request, signal)
        .catch((error: unknown) => settle(request.id, error))
        .finally(() => starting.delete(request.id))
      starting.set(request.id, start)
      return start
    },

    ...(traits.lists && {
      async running(signal: AbortSignal) {
        const { complete, runners } = await survey(signal)
        return { complete, dispatches: runners.filter(({ alive }) => alive).map(({ id }) => id) }
      },
    }),

    ...(traits.stops && {
      async stop(id: string, signal: AbortSignal) {
        await starting.get(id)?.catch(() => undefined)
        await stop(id, signal)
        deadlines.forget(id)
      },
    }),

    check,

    async close() {
      closing.abort()
      deadlines.close()
      await Promise.allSettled([adopted, ...starting.values()])
    },
  }

  async function launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    const { credential } = request
    if (!credential) throw new DispatchRefused('the runner was given no credential of the forge')
    const endsAt = clock.now() + request.ttl
    const start = startScript(request, credential, options.runner).script
    const call = programs(options.launchTimeout, signal)
    try {
      await tool.launch({ request, credential, owner, endsAt, start }, call)
    } catch (error) {
      throw outcomeOf(error, call.begun(), credential)
    }
    doubts.delete(request.id)
    alive.add(request.id)
    if (traits.stops) deadlines.keep(request.id, endsAt)
    return { name: request.name }
  }

  // A refusal proves nothing of an earlier attempt whose outcome is not known.
  function settle(id: string, error: unknown): never {
    if (error instanceof DispatchRefused && !doubts.has(id)) throw error
    doubts.add(id)
    throw error instanceof DispatchRefused ? new DispatchUnknown(error.message) : error
  }

  /** What is there. The time of all that is found goes on running out, and what is left of those that ended is cleared away. */
  async function survey(signal: AbortSignal): Promise<Listing> {
    const before = new Set(alive)
    const listing = await tool.list(owner, programs(options.listTimeout, signal)).catch(fail)
    for (const { id, endsAt, alive: lives } of listing.runners) {
      if (lives) alive.add(id)
      else if (before.has(id)) void clearAway(id)
      if (endsAt !== null && traits.stops && !closing.signal.aborted) deadlines.keep(id, endsAt)
      else if (endsAt === null && lives && !before.has(id)) complain()
    }
    const present = new Set(listing.runners.filter(({ alive }) => alive).map(({ id }) => id))
    for (const id of listing.complete ? before : []) {
      if (present.has(id)) continue
      alive.delete(id)
      if (!listing.runners.some((listed) => listed.id === id)) deadlines.forget(id)
    }
    return listing
  }

  function complain(): void {
    if (undated) return
    undated = true
    note('"list" tells no "ends_at" of runners that an earlier process started: they are not ended at their ttl')
  }

  async function clearAway(id: string): Promise<void> {
    alive.delete(id)
    if (traits.stops) await stop(id, closing.signal).catch(() => undefined)
  }

  async function stop(id: string, signal: AbortSignal): Promise<void> {
    const runner = { id, name: `${owner}-${id}`, owner }
    await tool.stop(runner, programs(options.stopTimeout, signal)).catch(fail)
  }

  /** Runners of an earlier process: their time goes on running out. */
  async function adopt(): Promise<void> {
    const { signal } = closing
    for (let pause = 1_000; !signal.aborted; pause = Math.min(longestPause, pause * 2)) {
      try {
        await survey(signal)
        return
      } catch (error) {
        if (pause === 1_000 && !signal.aborted) note(`what an earlier process started is not known: ${message(error)}`)
        await clock.sleep(pause, signal)
      }
    }
  }

  async function check(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = 'command'
    try {
      const own = await tool.check?.(owner, programs(options.listTimeout, signal))
      if (own) return own
      if (!traits.lists)
        return [{ level: 'note', check: what, message: 'It does not list, so nothing was tried.', fix: null }]
      const { complete } = await tool.list(owner, programs(options.listTimeout, signal))
      return complete
        ? [{ level: 'good', check: what, message: 'It lists what it runs.', fix: null }]
        : [
            {
              level: 'warning',
              check: what,
              message: 'It cannot list all that it runs.',
              fix: 'See that all of its hosts answer.',
            },
          ]
    } catch (error) {
      const fix = 'Mend "command" or "preset" of the dispatcher: "list" must work as the user that Muster runs as.'
      return [{ level: 'problem', check: what, message: `It cannot be asked: ${reason(message(error))}.`, fix }]
    }
  }

  /** Programs that all end with this call. `begun` tells whether any of them ran. */
  function programs(timeout: number, caller: AbortSignal): Programs & { begun(): boolean } {
    const signal = AbortSignal.any([AbortSignal.timeout(timeout), caller, closing.signal])
    let begun = false
    return {
      begun: () => begun,
      async run(argv, input = '', limit) {
        const bound = limit === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limit)])
        return runProgram(argv, input, { ...place, signal: bound, onStart: () => (begun = true) })
      },
      async background(argv) {
        signal.throwIfAborted()
        begun = true
        await startProgram(argv, place)
      },
      pause: (ms) => clock.sleep(ms, signal),
    }
  }
}

function toolOf(options: ToolOptions, now: () => number): Tool {
  return options.kind === 'own' ? ownCommand(options.command, options, now) : presetTool(options)
}

/** Nothing of our own environment, where our secrets may be, but what programs are found and understood by. */
function environment(own: Readonly<Record<string, string>>): Record<string, string> {
  return {
    PATH: ourEnv.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: ourEnv.HOME ?? '/',
    LANG: ourEnv.LANG ?? 'C.UTF-8',
    ...own,
  }
}

function outcomeOf(error: unknown, begun: boolean, credential: Credential): Error {
  const scrubber = new Scrubber()
  for (const secret of secretsOf(credential)) scrubber.add(secret)
  const text = reason(message(error), scrubber)
  if (error instanceof DispatchRefused) return new DispatchRefused(text, { retryAt: error.retryAt })
  return begun ? new DispatchUnknown(text) : new DispatchRefused(text)
}

function fail(error: unknown): never {
  throw new Error(reason(message(error)), { cause: error })
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
