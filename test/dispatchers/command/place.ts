import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { execPath, kill } from 'node:process'
import { command as commandKind } from '../../../src/dispatchers/command/dispatcher.ts'
import { commandFields, commandOptions } from '../../../src/dispatchers/command/options.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Place } from '../contract.ts'
import { lives } from '../process/place.ts'

const root = resolve(import.meta.dirname, '../../..')
/** The stand-ins of nsc, tart, virsh and ssh, and a runner. */
export const tools = join(root, 'test/fixtures/tools')
export const ownTool = join(root, 'deploy/command/runners.sh')

/** The programs that are shipped read JSON with jq. */
export const hasJq = spawnSync('jq', ['--version']).status === 0
if (!hasJq) console.warn('jq is not here: commands in shell are not tried')

/** One call of a stand-in. */
export interface ToolCall {
  tool: string
  argv: string[]
  input: string
}

export interface CommandPlace extends Place {
  state: string
  notes: string[]
  /** A dispatcher as it is written in the file. */
  dispatcher(owner?: string, written?: Record<string, unknown>): Dispatcher
  /** What the stand-ins were asked, in order. */
  calls(): Promise<ToolCall[]>
  /** The credentials that the runners found. */
  credentials(): Promise<string[]>
  /** The runner of this dispatch ends by itself. */
  end(dispatch: string): Promise<void>
  /** `<tool>-<verb>` fails so from now on, or so many times. */
  fail(what: string, how: { code?: number; words?: string; hang?: boolean; times?: number }): Promise<void>
}

/** A folder of state for the stand-ins, and a clock that runs 20 times as fast. */
export async function aPlace(usual: Record<string, unknown>): Promise<CommandPlace> {
  const state = await mkdtemp(join(tmpdir(), 'muster-command-'))
  // While it is there, the runners go on.
  await mark(state, 'open')
  const notes: string[] = []
  const clock = quickClock(20)
  const env = {
    PATH: [tools, dirname(execPath), '/usr/bin', '/bin'].join(':'),
    HOME: state,
    FAKE_STATE: state,
    RUNNERS: join(state, 'runners'),
  }
  const fields = mapping(commandFields()).transform(commandOptions)
  const lines = async (file: string) =>
    (await readFile(join(state, file), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  const runners = async () => (await lines('started')).map((line) => line.split(' '))
  const calls = async (): Promise<ToolCall[]> => (await lines('calls.jsonl')).map((line) => JSON.parse(line))

  return {
    state,
    notes,
    calls,
    // Two seconds and a half by the wall: the stand-ins need a good part of one to start on a busy machine.
    shortTtl: 50_000,
    dispatcher(owner = 'muster', written = {}) {
      const own = { env: { ...env, ...(written.env ?? {}) } }
      const options = fields.parse({ runner: [join(tools, 'runner')], ...usual, ...written, ...own })
      return commandKind.create(options, { name: 'here', owner, clock, note: (text) => notes.push(text) })
    },
    started: async () => (await runners()).map(([id = '']) => id),
    living: async () => (await runners()).filter(([, pid]) => lives(Number(pid))).map(([id = '']) => id),
    credentials: async () => (await runners()).map(([, , credential = '']) => credential),
    async onlooker() {
      return JSON.stringify([
        notes,
        (await calls()).map(({ tool, argv }) => [tool, argv]),
        (await runners()).map(([id]) => id),
      ])
    },
    end: (dispatch) => writeFile(join(state, `end-${dispatch}`), ''),
    fail: (what, how) => writeFile(join(state, `fault-${what}`), JSON.stringify({ code: 1, ...how })),
    async close() {
      await rm(join(state, 'open'))
      for (const [, pid] of await runners()) if (lives(Number(pid))) end(Number(pid))
      // What plays a machine ends when its folder is gone.
      await rm(state, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

/** A program of the test's own, in shell. */
export async function aScript({ state }: CommandPlace, lines: string): Promise<string> {
  const path = join(state, 'own-command')
  await mkdir(state, { recursive: true })
  await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return path
}

/** A file that tells the stand-ins something by being there. */
export async function mark(state: string, file: string): Promise<void> {
  await appendFile(join(state, file), '')
}

function end(pid: number): void {
  try {
    kill(pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}
