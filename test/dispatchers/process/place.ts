import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Dispatcher, DispatcherContext } from '../../../src/dispatchers/dispatcher.ts'
import { process as processKind } from '../../../src/dispatchers/process/dispatcher.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { recordsIn } from '../../../src/dispatchers/process/record.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Place } from '../contract.ts'

/** The stand-ins of the real runners. */
export const runners = fileURLToPath(new URL('../../fixtures/runners', import.meta.url))

export const noLimits: ProcessOptions['limits'] = {
  memory: null,
  cpuTime: null,
  openFiles: null,
  processes: null,
  fileSize: null,
}

/** What a stand-in told of the way it was called. */
export interface Told {
  program: string
  args: string[]
  env: Record<string, string>
  pid: number
  cwd: string
  token?: string
  [seen: string]: unknown
}

export interface ProcessPlace extends Place {
  workDir: string
  notes: string[]
  dispatcher(owner?: string, options?: Partial<ProcessOptions>, context?: Partial<DispatcherContext>): Dispatcher
  /** Each call of a stand-in, oldest first. */
  told(): Promise<Told[]>
  options(over?: Partial<ProcessOptions>): ProcessOptions
}

/** A work_dir of its own with the stand-ins on PATH, and a clock that runs 20 times as fast. */
export async function aPlace(path = runners): Promise<ProcessPlace> {
  const root = await mkdtemp(join(tmpdir(), 'muster-process-'))
  const [workDir, telling] = [join(root, 'work'), join(root, 'told')]
  await mkdir(telling)
  const notes: string[] = []
  const clock = quickClock(20)

  const options = (over: Partial<ProcessOptions> = {}): ProcessOptions => ({
    command: null,
    workDir,
    user: null,
    limits: noLimits,
    output: { maxSize: 2 ** 20, keep: 1, ended: 20, endedAge: 3_600_000, endedSize: 2 ** 24 },
    ...over,
    env: { PATH: [path, dirname(execPath), '/usr/bin', '/bin'].join(delimiter), STAND_IN_TOLD: telling, ...over.env },
  })

  const told = async (): Promise<Told[]> => {
    const files = (await readdir(telling)).filter((file) => file.endsWith('.json')).sort()
    return Promise.all(files.map(async (file) => JSON.parse(await readFile(join(telling, file), 'utf8'))))
  }
  const runs = async () => (await told()).filter(({ args }) => args[0] !== 'register')

  return {
    // Three seconds by the wall: a stand-in needs a good part of one to start on a busy machine.
    shortTtl: 60_000,
    workDir,
    notes,
    options,
    told,
    dispatcher: (owner = 'muster', over = {}, context = {}) =>
      processKind.create(options(over), { name: 'here', owner, clock, note: (text) => notes.push(text), ...context }),
    started: async () => (await runs()).map(({ env }) => env.MUSTER_DISPATCH ?? ''),
    living: async () => (await runs()).filter(({ pid }) => lives(pid)).map(({ env }) => env.MUSTER_DISPATCH ?? ''),
    async onlooker() {
      const lines = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(commandLine))
      const records = join(workDir, '.records')
      const files = (await readdir(records)).map((file) => join(records, file))
      const outputs = (await readdir(join(workDir, '.output'))).map((file) => join(workDir, '.output', file))
      return [
        ...lines,
        ...(await Promise.all([...files, ...outputs].map((file) => readFile(file, 'utf8')))),
        ...notes,
      ].join('\n')
    },
    async close() {
      for (const { runner } of (await recordsIn(workDir).list()).records) if (runner) end(runner.pid)
      for (const { pid } of await told()) end(pid)
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** True while the process runs; one that has ended and waits to be collected does not. */
export function lives(pid: number): boolean {
  const path = `/proc/${pid}/stat`
  return existsSync(path) && readFileSync(path, 'utf8').split(') ').at(-1)?.[0] !== 'Z'
}

// Only a stand-in whose own group has its number: a number that was given anew leads no group of ours.
function end(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}

function commandLine(pid: string): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
}
