import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execPath, pid } from 'node:process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Dispatcher, LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { isAlive, markOf } from '../../../src/dispatchers/process/life.ts'
import { type RunnerRecord, recordsIn } from '../../../src/dispatchers/process/record.ts'
import { aRequest, canary, never } from '../contract.ts'
import { aPlace, lives, type ProcessPlace, runners } from './place.ts'

let place: ProcessPlace
const opened: Dispatcher[] = []
beforeEach(async () => {
  place = await aPlace()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

const open = (): Dispatcher => {
  const made = place.dispatcher()
  opened.push(made)
  return made
}
const runner = async () => {
  const [first] = await vi.waitFor(async () => {
    const all = await place.told()
    expect(all).toHaveLength(1)
    return all
  })
  return first?.pid ?? 0
}
const gone = (number: number) => vi.waitFor(() => expect(lives(number)).toBe(false), { timeout: 10_000 })

/** A record as another process of ours would have left it; its runner is this test's process unless told otherwise. */
async function aRecord(request: LaunchRequest, over: Partial<RunnerRecord> = {}): Promise<RunnerRecord> {
  const here = await markOf(pid)
  if (!here) throw new Error('this process does not find itself')
  const now = Date.now()
  return {
    version: 1,
    owner: 'muster',
    id: request.id,
    name: request.name,
    starter: { ...here, mark: 'of a process that is gone' },
    runner: here,
    startedAt: now,
    deadline: now + request.ttl,
    endedAt: null,
    ...over,
  }
}

async function serviceKilledAfter(request: LaunchRequest): Promise<void> {
  const parent = fileURLToPath(new URL('parent.ts', import.meta.url))
  const service = spawn(execPath, [parent, JSON.stringify(place.options()), JSON.stringify(request)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(service.stdout, 'data')
  service.kill('SIGKILL')
  await once(service, 'exit')
}

test('a runner outlives a service that is killed, and the next one finds, lists and stops it', async () => {
  const request = aRequest()
  await serviceKilledAfter(request)
  const number = await runner()
  expect(lives(number)).toBe(true)

  const next = open()
  expect(await next.running?.(never)).toEqual({ complete: true, dispatches: [request.id] })
  await expect(next.launch(request, never)).resolves.toEqual({ name: request.name })
  expect(await place.started()).toEqual([request.id])
  await next.stop?.(request.id, never)
  expect(lives(number)).toBe(false)
  expect(await next.running?.(never)).toEqual({ complete: true, dispatches: [] })
})

test('the ttl goes on running out under the next service, which nobody has to ask', async () => {
  const request = aRequest({ ttl: 3_000 })
  await serviceKilledAfter(request)
  const number = await runner()
  open()
  await gone(number)
})

test('the next service tells when a runner of the one before ends', async () => {
  const request = aRequest()
  const first = open()
  await first.launch(request, never)
  const number = await runner()
  await first.close?.()
  const next = open()
  const ended = new Promise<void>((resolve) => next.onEnd?.(resolve))
  expect((await next.running?.(never))?.dispatches).toEqual([request.id])
  process.kill(number, 'SIGKILL')
  await ended
  expect((await next.running?.(never))?.dispatches).toEqual([])
})

test('a runner that ended while no service ran is cleared away', async () => {
  const request = aRequest()
  const first = open()
  await first.launch(request, never)
  const number = await runner()
  await first.close?.()
  process.kill(number, 'SIGKILL')
  await gone(number)
  expect(await open().running?.(never)).toEqual({ complete: true, dispatches: [] })
  await expect(readFile(join(place.workDir, request.id, 'output.log'))).rejects.toThrow(/ENOENT/)
})

test('a process that was given the number of a runner is not taken for it, and is left alone', async () => {
  const stranger = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  try {
    const request = aRequest({ ttl: 1_000 })
    const runner = { pid: stranger.pid ?? 0, mark: 'of a runner that is gone' }
    await recordsIn(place.workDir).claim(await aRecord(request, { runner }))
    const dispatcher = open()
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
    await dispatcher.stop?.(request.id, never)
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
  } finally {
    stranger.kill('SIGKILL')
  }
})

// Its leader has ended, so only the number of the group is left to go by, and that may long be somebody else's.
test('what runs in a group with the number of a runner that ended unseen is left alone', async () => {
  const leader = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!'], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  const [number] = await once(leader.stdout, 'data')
  try {
    await gone(leader.pid ?? 0)
    const request = aRequest()
    const runner = { pid: leader.pid ?? 0, mark: 'of a runner that is gone' }
    await recordsIn(place.workDir).claim(await aRecord(request, { runner }))
    const dispatcher = open()
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
    await dispatcher.stop?.(request.id, never)
    expect(lives(Number(number))).toBe(true)
  } finally {
    process.kill(Number(number), 'SIGKILL')
  }
})

test('a start that a killed service left half done is done anew', async () => {
  const request = aRequest()
  await recordsIn(place.workDir).claim(await aRecord(request, { runner: null }))
  await mkdir(join(place.workDir, request.id))
  await writeFile(join(place.workDir, request.id, 'token'), canary)
  await expect(open().launch(request, never)).resolves.toEqual({ name: request.name })
  await runner()
})

test('a start that another service is busy with is not started twice, and its outcome is not known', async () => {
  const request = aRequest()
  const here = await markOf(pid)
  if (!here) throw new Error('this process does not find itself')
  await recordsIn(place.workDir).claim(await aRecord(request, { runner: null, starter: here }))
  const dispatcher = open()
  await expect(dispatcher.launch(request, never)).rejects.toMatchObject({ name: 'DispatchUnknown' })
  expect((await dispatcher.running?.(never))?.dispatches).toEqual([request.id])
  await expect(dispatcher.stop?.(request.id, never)).rejects.toThrow(/cannot be stopped yet/)
})

// Between the birth of the child and its record lies a moment in which we can be killed.
test('a runner whose record was never written does not begin', async () => {
  const child = fileURLToPath(new URL('../../../src/dispatchers/process/child.ts', import.meta.url))
  const start = { program: join(runners, 'own-command'), args: [], cwd: '/', env: place.options().env, account: null }
  const script = `
    const { startGated } = await import(${JSON.stringify(child)})
    const { mark } = await startGated(${JSON.stringify(start)}, 2)
    process.stdout.write(String(mark.pid))
    setInterval(() => {}, 60_000)`
  const service = spawn(execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [number] = await once(service.stdout, 'data')
  expect(lives(Number(number))).toBe(true)
  service.kill('SIGKILL')
  await gone(Number(number))
  expect(await place.told()).toEqual([])
})

test('a process that has ended, but was not collected, does not count as alive', async () => {
  const output = openSync('/dev/null', 'w')
  // The shell's child ends at once, and `exec` leaves its parent a program that never collects it.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', output] })
  closeSync(output)
  try {
    const [number] = await once(parent.stdout ?? parent, 'data')
    const mark = (await markOf(Number(number))) ?? { pid: Number(number), mark: 'gone before it was looked at' }
    await vi.waitFor(async () => expect(await isAlive(mark)).toBe(false))
    expect(process.kill(mark.pid, 0)).toBe(true)
  } finally {
    parent.kill('SIGKILL')
  }
})

// Each field as version 1 of the record has had it since it was first written: an upgrade must not lose who runs.
test('a runner that an earlier version of ours started is found, and stopped with its folder', async () => {
  const runner = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
  const { pid: number, mark } = (await markOf(runner.pid ?? 0)) ?? { pid: 0, mark: '' }
  const [folder, now] = [join(place.workDir, 'abc123'), Date.now()]
  await mkdir(join(place.workDir, '.records'), { recursive: true })
  await mkdir(folder)
  await writeFile(join(folder, 'output.log'), 'it prints into its own folder')
  await writeFile(
    join(place.workDir, '.records', 'abc123.json'),
    `{"version":1,"owner":"muster","id":"abc123","name":"muster-abc123","starter":{"pid":77,"mark":"gone"},
      "runner":{"pid":${number},"mark":"${mark}"},"startedAt":${now},"deadline":${now + 600_000},"endedAt":null}`,
  )
  const dispatcher = open()
  expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: ['abc123'] })
  await dispatcher.stop?.('abc123', never)
  await gone(number)
  expect(await readdir(place.workDir)).not.toContain('abc123')
  expect(place.notes).toEqual([])
})

test('a start that died with its service is no runner, and is cleared away', async () => {
  const [records, request] = [recordsIn(place.workDir), aRequest()]
  await records.claim(await aRecord(request, { runner: null }))
  expect(await open().running?.(never)).toEqual({ complete: true, dispatches: [] })
  expect(await records.read(request.id)).toBeNull()
})

test('a runner that has ended is remembered for an hour after its deadline', async () => {
  const [records, old, young] = [recordsIn(place.workDir), aRequest(), aRequest()]
  const [endedAt, minute] = [Date.now(), 60_000]
  await records.claim(await aRecord(old, { endedAt, deadline: endedAt - 61 * minute }))
  await records.claim(await aRecord(young, { endedAt, deadline: endedAt - 50 * minute }))
  await open().running?.(never)
  expect((await records.list()).records.map(({ id }) => id)).toEqual([young.id])
})
