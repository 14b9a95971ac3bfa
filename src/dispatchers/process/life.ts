import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { kill } from 'node:process'
import { promisify } from 'node:util'
import type { Clock } from '../../clock.ts'

/** A process that can be told apart from a later one with the same number: `mark` names the moment it began. */
export interface ProcessMark {
  pid: number
  mark: string
}

/** A runner that was asked to end has this long before it is killed. Milliseconds. */
const grace = 10_000
const glance = 100

/**
 * The mark of a living process; null when there is none. One that has ended and was not yet collected counts as ended. Rejects when it
 * cannot be seen (too many open files, …): that proves nothing.
 */
export async function markOf(pid: number): Promise<ProcessMark | null> {
  const began = (await beganByProc(pid)) ?? (await beganByPs(pid))
  return began === '' ? null : { pid, mark: began }
}

/** Rejects when it cannot be seen. */
export async function isAlive({ pid, mark }: ProcessMark): Promise<boolean> {
  return (await markOf(pid))?.mark === mark
}

/**
 * Asks a runner and all that is left in its group to end, and kills what has not ended after the grace. Content when nothing is left.
 * Only for a runner that lives or was just seen to end: later on its number may be that of a stranger's group.
 */
export async function end(runner: ProcessMark, clock: Clock): Promise<void> {
  if (!(await groupIsOurs(runner))) return
  signalGroup(runner.pid, 'SIGTERM')
  if (await empties(runner.pid, clock)) return
  signalGroup(runner.pid, 'SIGKILL')
  await empties(runner.pid, clock)
}

/** False when nobody is in the group. */
export function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  // To kill(2), the group -1 is everybody.
  if (pid <= 1) return false
  try {
    return kill(-pid, signal)
  } catch {
    return false
  }
}

// The number of a group is not given again while one lives in it, so a group that just lost its leader is still the runner's.
async function groupIsOurs({ pid, mark }: ProcessMark): Promise<boolean> {
  const leader = await markOf(pid)
  return leader === null ? groupLives(pid) : leader.mark === mark
}

async function empties(pid: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + grace
  while (clock.monotonic() < until) {
    if (!(await groupLives(pid))) return true
    await clock.sleep(glance)
  }
  return false
}

// Where the first process of a container collects nobody, what has ended stays in its group for ever: it does not count.
async function groupLives(group: number): Promise<boolean> {
  if (!signalGroup(group, 0)) return false
  if ((await bootId()) === null) return true
  // One after the other: all at once, a busy machine has more processes than we may have files open.
  for (const name of await readdir('/proc'))
    if (/^\d+$/.test(name) && (await processState(name))?.group === group) return true
  return false
}

/** Null where there is no /proc. Read anew each time: a wrong one for good would make strangers of all our runners. */
async function bootId(): Promise<string | null> {
  const text = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(nullIfAbsent)
  return text?.trim() ?? null
}

// The start time in ticks since boot repeats after a reboot, so the boot is part of the mark. Empty: not alive; null: no /proc here.
async function beganByProc(pid: number): Promise<string | null> {
  const boot = await bootId()
  if (boot === null) return null
  const state = await processState(pid)
  return state === null ? '' : `${boot}/${state.began}`
}

// Fields 3 (state), 5 (group) and 22 (start time) of proc(5); field 2, the name, may itself hold spaces and brackets.
async function processState(pid: number | string): Promise<{ group: number; began: string } | null> {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(nullIfAbsent)) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , group] = fields
  const began = fields[19]
  return began === undefined || state === 'Z' || state === 'X' ? null : { group: Number(group), began }
}

/** The start as `ps` tells it, to the second; empty for a process that is not alive. In one language and time zone, whatever ours are. */
export async function beganByPs(pid: number): Promise<string> {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  const asked = promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env })
  // It ends with 1 when there is no such process.
  const { stdout } = await asked.catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 1) return { stdout: '' }
    throw error
  })
  const [state = '', ...began] = stdout.trim().split(/\s+/)
  return state.startsWith('Z') ? '' : began.join(' ')
}

/** What is not there, ended while it was read, or is hidden from us as somebody else's. Any other error proves nothing. */
function nullIfAbsent(error: unknown): null {
  if (error instanceof Error && 'code' in error && absent.has(String(error.code))) return null
  throw error
}

const absent = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM'])
