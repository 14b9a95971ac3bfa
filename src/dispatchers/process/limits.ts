import type { Clock } from '../../clock.ts'
import { DispatcherUnusable, DispatchRefused } from '../errors.ts'
import { reason } from '../reason.ts'
import { runToEnd, type Start } from './child.ts'

/** What a runner may take up, each null for as much as Muster may. The system counts all but `processes` for each process by itself. */
export interface Limits {
  /** Bytes of address space: what is reserved counts, used or not. */
  memory: number | null
  /** Milliseconds of computing. */
  cpuTime: number | null
  openFiles: number | null
  /** Processes and threads of the user that runs it, whoever started them. */
  processes: number | null
  /** Bytes of one file. */
  fileSize: number | null
}

/** How long a shell may take to set them. Milliseconds. */
const bound = 10_000

/**
 * The limits as one condition for `/bin/sh`; empty for none. POSIX gives `ulimit -f` blocks of 512 bytes; `-v` (KiB), `-t` (seconds) and `-n`
 * mean the same in dash, bash, busybox and the shell of macOS. The number of processes is `-u`, but `-p` in dash, where `-u` is an error.
 */
export function settingLimits({ memory, cpuTime, openFiles, processes, fileSize }: Limits): string {
  return [
    ...when(memory, (bytes) => `ulimit -v ${Math.ceil(bytes / 1_024)}`),
    ...when(cpuTime, (ms) => `ulimit -t ${Math.ceil(ms / 1_000)}`),
    ...when(openFiles, (count) => `ulimit -n ${count}`),
    ...when(fileSize, (bytes) => `ulimit -f ${Math.ceil(bytes / 512)}`),
    ...when(
      processes,
      (count) => `if (ulimit -u ${count}) 2>/dev/null; then ulimit -u ${count}; else ulimit -p ${count}; fi`,
    ),
  ].join(' && ')
}

/** Rejects with `DispatcherUnusable` what the system cannot keep: macOS takes a limit of address space and does not heed it. */
export function checkLimits({ memory }: Limits, platform: string): void {
  if (memory !== null && platform === 'darwin')
    throw new DispatcherUnusable('"limits.memory" is not kept by macOS; leave it out')
}

/** Sets them for a moment, as the runner's user. Rejects with `DispatchRefused` when one is above what that user may have. */
export async function tryLimits(
  limits: Limits,
  start: Pick<Start, 'account' | 'cwd'>,
  ports: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const setting = settingLimits(limits)
  if (setting === '') return
  const shell: Start = { ...start, program: '/bin/sh', args: ['-c', setting], env: {} }
  const { exit, output } = await runToEnd(shell, { input: '', bound, ...ports })
  ports.signal.throwIfAborted()
  if (exit === 'late') throw new DispatchRefused('"limits" could not be set: /bin/sh did not answer in time')
  if (exit.code !== 0) throw new DispatchRefused(reason(`"limits" cannot be set here: ${output}`))
}

function when<T>(value: T | null, write: (value: T) => string): string[] {
  return value === null ? [] : [write(value)]
}
