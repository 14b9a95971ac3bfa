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
import { until } from './until.ts'

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

/** Runs `node bin/muster.js …` in the folder of the stage; it is killed at the end of the journey if it still lives. */
export function muster(stage: Stage, ...args: string[]): MusterProcess {
  return run(stage, execPath, program, ...args)
}

/** The same on a disk that is full as soon as a file has so many KiB. */
export function musterOnFullDisk(stage: Stage, kib: number): MusterProcess {
  // `ulimit -f` counts blocks of 512 bytes.
  return run(stage, '/bin/sh', '-c', `ulimit -f ${kib * 2} && exec "$0" "$1"`, execPath, program)
}

function run(stage: Stage, command: string, ...args: string[]): MusterProcess {
  const child = spawn(command, args, {
    cwd: stage.folder,
    env: { PATH: process.env.PATH, TMPDIR: stage.folder, NODE_COMPILE_CACHE: compiled },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      letOut(`the ${name} of muster`, text)
      written[name] += text
    })
  }
  let over = false
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      over = true
      resolve(code ?? signal ?? 0)
    })
  })
  stage.onEnd(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return Object.assign(written, {
    child,
    ended,
    async ready() {
      const line = await until('muster is ready', () => {
        if (over) throw new Error(`muster ended before it was ready: ${written.stderr}`)
        return written.stderr.split('\n').find((one) => one.includes('"muster is ready"'))
      })
      const { port, admin }: { port: number; admin: number } = JSON.parse(line)
      return { publicUrl: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${admin}` }
    },
  })
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
