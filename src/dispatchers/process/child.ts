import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Clock } from '../../clock.ts'
import type { Account } from './account.ts'
import { markOf, type ProcessMark, signalGroup } from './life.ts'

/** What a program is started with. `env` is all of its environment. */
export interface Start {
  program: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  account: Account | null
}

export interface Exit {
  code: number | null
  signal: string | null
}

export interface GatedChild {
  mark: ProcessMark
  /** Lets it run. */
  open(): void
  /** Ends it before it began. */
  abandon(): void
  exit: Promise<Exit>
}

// The shell waits for a line before it becomes the program: when we die before the record is written, it reads the end of the pipe and ends.
const gate = (limits: string) => `read -r go && ${limits && `${limits} && `}exec "$@" </dev/null`

/**
 * Starts a program in a session of its own behind a gate, with its output going to `output` (a file descriptor) and under `limits` (a
 * condition for the shell). It outlives us once the gate is open.
 */
export async function startGated(start: Start, output: number, limits = ''): Promise<GatedChild> {
  const child = spawn('/bin/sh', ['-c', gate(limits), 'muster', start.program, ...start.args], {
    ...spawnOptions(start),
    stdio: ['pipe', output, output],
  })
  const exit = exitOf(child)
  await once(child, 'spawn')
  child.unref()
  child.stdin?.on('error', () => undefined)
  const abandon = () => void child.stdin?.destroy()
  const mark = await markOf(child.pid ?? 0).catch((error: unknown) => {
    abandon()
    throw error
  })
  if (!mark) throw new Error('the runner ended before it began')
  return { mark, open: () => child.stdin?.end('go\n'), abandon, exit }
}

/** Runs a program to its end and answers its last output. It and all it started are killed after `bound` milliseconds or when the signal is aborted. */
export async function runToEnd(
  start: Start,
  { input, bound, clock, signal }: { input: string; bound: number; clock: Clock; signal: AbortSignal },
): Promise<{ exit: Exit | 'late'; output: string }> {
  const child = spawn(start.program, start.args, { ...spawnOptions(start), stdio: ['pipe', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  const exit = exitOf(child)
  const output = tail(child)
  await once(child, 'spawn')
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const over = new AbortController()
  const result = await Promise.race([
    exit,
    clock.sleep(bound, AbortSignal.any([signal, over.signal])).then(() => 'late' as const),
  ])
  // What it left behind in its group would hold the pipes open.
  if (child.pid) signalGroup(child.pid, 'SIGKILL')
  await Promise.race([closed, clock.sleep(1_000, over.signal)])
  over.abort()
  return { exit: result, output: output() }
}

function spawnOptions({ cwd, env, account }: Start) {
  return { cwd, env, detached: true, ...(account && { uid: account.uid, gid: account.gid }) }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
}

const kept = 4_096

function tail(child: ChildProcess): () => string {
  let text = ''
  const add = (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-kept)
  }
  child.stdout?.on('data', add)
  child.stderr?.on('data', add)
  return () => text
}
