import { chmod, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { getuid } from 'node:process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { aRequest, never } from '../contract.ts'
import { aPlace, lives, type ProcessPlace } from './place.ts'

let place: ProcessPlace
const opened: Dispatcher[] = []
beforeEach(async () => {
  place = await aPlace()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((made) => made.close?.()))
  await place.close()
})

const small = { maxSize: 4_096, keep: 1, ended: 20, endedAge: 3_600_000, endedSize: 2 ** 20 }
const open = (output: ProcessOptions['output'] = small): Dispatcher => {
  const made = place.dispatcher('muster', { output })
  opened.push(made)
  return made
}
const chatty = { env: { STAND_IN_PART: 'chatty' } }
const outputOf = (id: string, turn = '') => join(place.workDir, '.output', `${id}.log${turn}`)
const called = () =>
  vi.waitFor(
    async () => {
      const all = await place.told()
      expect(all).toHaveLength(1)
      return all
    },
    { timeout: 10_000 },
  )
const turned = (id: string) => vi.waitFor(() => stat(outputOf(id, '.1')), { timeout: 10_000 })

test('a runner that prints without end fills no disk, and goes on', async () => {
  const request = aRequest(chatty)
  await open().launch(request, never)
  await turned(request.id)
  // Written where it was cut: what a writer with a place of its own had left would be a gap of zeros.
  await vi.waitFor(async () => expect(await readFile(outputOf(request.id), 'utf8')).toMatch(/^one more line/), {
    timeout: 10_000,
  })
  expect((await stat(outputOf(request.id, '.1'))).size).toBe(4_096)
  expect(await place.living()).toEqual([request.id])
})

test('its output is kept small by the next service, too', async () => {
  const request = aRequest(chatty)
  const first = open({ ...small, maxSize: 2 ** 30 })
  await first.launch(request, never)
  await vi.waitFor(async () => expect((await stat(outputOf(request.id))).size).toBeGreaterThan(8_192), {
    timeout: 10_000,
  })
  await first.close?.()
  open()
  await turned(request.id)
})

test('what a runner printed is left when it has ended, and its folder is not', async () => {
  const dispatcher = open()
  const ended = new Promise<void>((resolve) => dispatcher.onEnd?.(resolve))
  const request = aRequest({ env: { STAND_IN_PART: 'fail' } })
  await dispatcher.launch(request, never)
  await ended
  expect(await readdir(place.workDir)).not.toContain(request.id)
  expect(await readdir(join(place.workDir, '.output'))).toEqual([])
  const path = join(place.workDir, '.ended', `${request.id}.log`)
  expect(await readFile(path, 'utf8')).toContain('no container engine is running')
})

test('also of a runner that ended while no service ran', async () => {
  const request = aRequest()
  const first = open()
  await first.launch(request, never)
  const [runner] = await called()
  await first.close?.()
  process.kill(runner?.pid ?? 0, 'SIGKILL')
  await vi.waitFor(() => expect(lives(runner?.pid ?? 0)).toBe(false))
  await open().running?.(never)
  expect(await readdir(join(place.workDir, '.ended'))).toEqual([`${request.id}.log`])
})

test('where nothing is to be kept, nothing is, and that is said', async () => {
  const dispatcher = open({ ...small, ended: 0 })
  const ended = new Promise<void>((resolve) => dispatcher.onEnd?.(resolve))
  await dispatcher.launch(aRequest({ env: { STAND_IN_PART: 'fail' } }), never)
  await ended
  expect(await readdir(join(place.workDir, '.output'))).toEqual([])
  expect(await readdir(join(place.workDir, '.ended')).catch(() => [])).toEqual([])
  expect(place.notes).toEqual([expect.stringContaining('its output was not kept')])
})

test.runIf(getuid?.() === 0)('a runner of another user can print by way of /dev/stderr', async () => {
  await chmod(dirname(place.workDir), 0o711)
  const request = aRequest()
  const command = ['/bin/sh', '-c', 'echo well > /dev/stderr; exec sleep 3600']
  const dispatcher = place.dispatcher('muster', { output: small, user: 'nobody', command })
  opened.push(dispatcher)
  await dispatcher.launch(request, never)
  await vi.waitFor(async () => expect(await readFile(outputOf(request.id), 'utf8')).toBe('well\n'), {
    timeout: 10_000,
  })
})

// Once an unhandled rejection: a job could end the service.
test('a job that puts a folder in the place of its credential harms nobody', async () => {
  const request = aRequest()
  const dispatcher = open()
  await dispatcher.launch(request, never)
  await called()
  const token = join(place.workDir, request.id, 'token')
  await rm(token)
  await mkdir(join(token, 'inside'), { recursive: true })
  await vi.waitFor(
    () => expect(place.notes).toEqual([expect.stringMatching(/^token of the runner .* cannot be removed/)]),
    {
      timeout: 10_000,
    },
  )
  expect((await dispatcher.running?.(never))?.dispatches).toEqual([request.id])
})
