import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { env as ourEnv } from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ancestorKeys, ownKeys, pack } from '../../../src/dispatchers/nomad/parcel.ts'
import { aCredential, aRequest, canary } from '../contract.ts'

// The job that is shipped, its shell run for real on a payload that was made for it.
const jobspec = await readFile(resolve(import.meta.dirname, '../../../deploy/nomad/muster-runner.nomad.hcl'), 'utf8')
const [, shell = ''] = /<<SH\n([\s\S]*?)^SH$/m.exec(jobspec) ?? []

let task: string
beforeEach(async () => {
  task = await mkdtemp(join(tmpdir(), 'muster-nomad-'))
})
afterEach(() => rm(task, { recursive: true, force: true, maxRetries: 5 }))

/** A task directory as Nomad fills it. */
async function aTask(
  runner: string,
  over = {},
  endsAt = Date.now() + 60_000,
): Promise<{ args: string[]; env: NodeJS.ProcessEnv }> {
  const program = join(task, 'own-runner')
  await writeFile(program, `#!/bin/sh\n${runner}\n`)
  await chmod(program, 0o755)
  const options = { meta: 'full' as const, command: [program, 'an argument'] }
  const { Meta, Payload } = pack(aRequest(over), aCredential(), { owner: 'muster', endsAt, options })
  await writeFile(join(task, 'payload.json'), Buffer.from(Payload, 'base64'))
  await writeFile(join(task, 'begin.sh'), shell)
  const meta = Object.entries(Meta).map(([key, value]) => [`NOMAD_META_${key}`, value])
  return {
    args: [join(task, 'begin.sh')],
    env: { PATH: ourEnv.PATH, HOME: task, NOMAD_TASK_DIR: task, ...Object.fromEntries(meta) },
  }
}

test('declares every key that is sent, and starts nothing twice', () => {
  for (const key of [...ancestorKeys, ...ownKeys]) expect(jobspec).toContain(`"${key}"`)
  expect(jobspec).toMatch(/payload\s+= "required"/)
  expect(jobspec).toMatch(/type\s+= "batch"/)
  expect([...jobspec.matchAll(/attempts\s+= 0/g)]).toHaveLength(2)
})

// What HCL would read as a template of its own (`${…}`, `%{…}`) has no place in the shell.
test('holds a shell script that HCL and the templates of Nomad leave as it is', () => {
  expect(shell).not.toMatch(/\$\{|%\{|\{\{/)
  expect(shell).not.toBe('')
})

test('cuts the start script out, whatever stands in the labels, and leaves no payload behind', async () => {
  const { args, env } = await aTask(
    'cat "$MUSTER_CREDENTIAL_FILE" > "$NOMAD_TASK_DIR/seen"; echo "$1:$MUSTER_RUNNER_LABELS:$X" >> "$NOMAD_TASK_DIR/seen"',
    {
      labels: ['"start":"bm8="', '"ends_at":5'],
      env: { X: 'a "quoted" \\ \'word\'', start: 'bm8=', ends_at: '7' },
    },
  )
  await promisify(execFile)('sh', args, { env })
  const seen = await readFile(join(task, 'seen'), 'utf8')
  expect(seen).toContain(canary)
  expect(seen).toContain('an argument:"start":"bm8=","ends_at":5:a "quoted" \\ \'word\'')
  expect(existsSync(join(task, 'payload.json'))).toBe(false)
  expect(existsSync(join(task, 'start.sh'))).toBe(false)
})

test('ends as the runner ends', async () => {
  const { args, env } = await aTask('exit 7')
  await expect(promisify(execFile)('sh', args, { env })).rejects.toMatchObject({ code: 7 })
})

test('ends the runner at its time, when nobody else does', async () => {
  const { args, env } = await aTask('exec sleep 600', {}, Date.now() + 1_000)
  await expect(promisify(execFile)('sh', args, { env })).rejects.toMatchObject({ code: 143 })
})

test('passes on that the task is to end', async () => {
  const { args, env } = await aTask(
    'trap "echo ended > $NOMAD_TASK_DIR/seen; exit 3" TERM; : > "$NOMAD_TASK_DIR/up"; while :; do sleep 0.1; done',
  )
  const child = spawn('sh', args, { env, stdio: 'ignore' })
  const exit = once(child, 'exit')
  await vi.waitFor(() => expect(existsSync(join(task, 'up'))).toBe(true), { timeout: 5_000 })
  child.kill('SIGTERM')
  expect((await exit)[0]).toBe(3)
  expect(await readFile(join(task, 'seen'), 'utf8')).toBe('ended\n')
})
