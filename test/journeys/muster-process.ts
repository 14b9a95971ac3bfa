import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import { parse, stringify } from 'yaml'
import { configured, letOut } from '../support/outputs.ts'
import type { Stage } from './stage.ts'

// Each process would compile the whole program again, which is most of what its start costs.
const compiled = mkdtempSync(join(tmpdir(), 'muster-compiled-'))
afterAll(() => rm(compiled, { recursive: true, force: true }))

const program = fileURLToPath(new URL('../../bin/muster.js', import.meta.url))

/** `muster` as a process of its own, as its users start it. */
export interface MusterProcess {
  readonly child: ChildProcess
  /** What it has written until now. */
  readonly stdout: string
  readonly stderr: string
  /** How it ended: the exit code, or the name of the signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Resolves with the addresses when it is ready; rejects when it ends before. */
  ready(): Promise<{ publicUrl: string; adminUrl: string }>
}

/** What surrounds a process that is not started in the plain way. */
export interface Surroundings {
  /** Words of the command line. */
  args?: readonly string[]
  /** Options of Node itself. */
  node?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** A command, with its arguments, that runs what follows it. */
  through?: readonly string[]
}

/** Runs `node bin/muster.js …` in the folder of the stage; it is killed at the end of the journey if it still lives. */
export function muster(stage: Stage, ...args: string[]): MusterProcess {
  return musterIn(stage, { args })
}

/** The same on a disk that is full as soon as a file has so many KiB. */
export function musterOnFullDisk(stage: Stage, kib: number): MusterProcess {
  // `ulimit -f` counts blocks of 512 bytes.
  return musterIn(stage, { through: ['/bin/sh', '-c', `ulimit -f ${kib * 2} && exec "$0" "$@"`] })
}

/** The same in other surroundings. */
export function musterIn(stage: Stage, { args = [], node = [], env = {}, through = [] }: Surroundings): MusterProcess {
  const [command = execPath, ...words] = [...through, execPath, ...node, program, ...args]
  const child = spawn(command, words, {
    cwd: stage.folder,
    env: { PATH: process.env.PATH, TMPDIR: stage.folder, NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  const ready = Promise.withResolvers<{ publicUrl: string; adminUrl: string }>()
  // Nobody need wait for it.
  ready.promise.catch(() => undefined)
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      letOut(`the ${name} of muster`, text)
      written[name] += text
    })
  }
  child.stderr.on('data', function look() {
    const line = written.stderr.split('\n').find((one) => one.endsWith('"muster is ready"}'))
    if (line === undefined) return
    child.stderr.off('data', look)
    ready.resolve(addresses(line))
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      ready.reject(new Error(`muster ended before it was ready: ${written.stderr}`))
      resolve(code ?? signal ?? 0)
    })
  })
  stage.onEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return Object.assign(written, { child, ended, ready: () => ready.promise })
}

function addresses(line: string): { publicUrl: string; adminUrl: string } {
  const { port, admin }: { port: number; admin: number } = JSON.parse(line)
  return { publicUrl: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${admin}` }
}

/** Writes a configuration into the folder of the stage, as text or as what YAML would say, and answers its path. */
export async function written(stage: Stage, configuration: object | string, name = 'autoscaler.yaml'): Promise<string> {
  const file = join(stage.folder, name)
  const text = typeof configuration === 'string' ? configuration : stringify(configuration)
  noteSecrets(text)
  await writeFile(file, text)
  return file
}

/** The process has them from its file; they are looked for in what it prints and answers. */
function noteSecrets(text: string): void {
  parse(
    text,
    (key, value) => {
      if (typeof value === 'string' && /token$|secret$/.test(String(key))) configured(value)
      return value
    },
    { logLevel: 'silent' },
  )
}
