import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { kill } from 'node:process'

/** What a program may say on standard output. Bytes. */
const largestOutput = 1024 * 1024
/** What it left running may hold its output open: after this many milliseconds that is no longer listened to. */
const grace = 1_000
const keptWords = 4_096

/** How a program ended by itself. */
export interface Finished {
  /** Null when a signal ended it. */
  code: number | null
  output: string
  /** The last line that it wrote to standard error, for people; may hold a secret. */
  lastWords: string
}

/** A program that did not come to an end of its own. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
}

/** Programs that are run for one call. No argument may be a secret: every user of the machine can read them. */
export interface Programs {
  /**
   * Runs a program with `input` on its standard input. Rejects with `ProgramFailed`; it and all of its process group are killed then. `limit`
   * (milliseconds) shortens the time that is left of the call.
   */
  run(argv: readonly string[], input?: string, limit?: number): Promise<Finished>
  /** Starts a program that lives on when we end, without input or output. */
  background(argv: readonly string[]): Promise<void>
  /** Milliseconds; also cut short by the end of the call. */
  pause(ms: number): Promise<void>
}

export interface Place {
  env: Readonly<Record<string, string>>
  cwd: string | undefined
}

export async function runProgram(
  argv: readonly string[],
  input: string,
  { env, cwd, signal, onStart }: Place & { signal: AbortSignal; onStart: () => void },
): Promise<Finished> {
  if (signal.aborted) throw new ProgramFailed(why(signal))
  const child = await started(argv, { env, cwd }, 'pipe')
  onStart()
  const exited = once(child, 'exit')
  const closed = once(child, 'close')
  const failed = new AbortController()
  const words = tailOf(child)
  const output = outputOf(child, () => failed.abort(`it wrote more than ${largestOutput} bytes`))
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)

  const ending = AbortSignal.any([signal, failed.signal])
  const exit = await Promise.race([exited, aborted(ending)])
  if (exit === undefined || ending.aborted) {
    killGroup(child)
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
    throw new ProgramFailed(why(ending))
  }
  await Promise.race([closed, aborted(AbortSignal.timeout(grace))])
  for (const stream of [child.stdout, child.stderr]) stream?.destroy()
  return { code: child.exitCode, output: output(), lastWords: words() }
}

/** Starts a program in a session of its own, and lets go of it. */
export async function startProgram(argv: readonly string[], place: Place): Promise<void> {
  const child = await started(argv, place, 'ignore')
  child.on('error', () => undefined)
  child.unref()
}

async function started([program = '', ...args]: readonly string[], { env, cwd }: Place, stdio: 'pipe' | 'ignore') {
  try {
    const child = spawn(program, args, { env, cwd, detached: true, stdio })
    await once(child, 'spawn')
    return child
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    const hint = code === 'ENOENT' ? 'is not there' : code === 'EACCES' ? 'cannot be run' : `did not start (${code})`
    throw new ProgramFailed(`the program "${program}" ${hint}`, { cause: error })
  }
}

/** It may have been aborted already, and tells of that no more. */
async function aborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort')
}

function why({ reason }: AbortSignal): string {
  if (typeof reason === 'string') return reason
  return reason instanceof Error && reason.name === 'TimeoutError' ? 'it did not end in time' : 'it was given up'
}

function outputOf(child: ChildProcess, tooMuch: () => void): () => string {
  const chunks: Buffer[] = []
  let size = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > largestOutput) return tooMuch()
    chunks.push(chunk)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function tailOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-keptWords)
  })
  return () =>
    text
      .split('\n')
      .map((line) => line.trim())
      .findLast((line) => line !== '') ?? ''
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
