import { execFile } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { platform } from 'node:process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { checkLimits, type Limits, settingLimits } from '../../../src/dispatchers/process/limits.ts'
import { aRequest, never } from '../contract.ts'
import { aPlace, noLimits, type ProcessPlace } from './place.ts'

const all: Limits = {
  memory: 4 * 2 ** 30,
  cpuTime: 3_600_000,
  openFiles: 256,
  processes: 4_000,
  fileSize: 2 ** 30,
}

let place: ProcessPlace
beforeEach(async () => {
  place = await aPlace()
})
afterEach(() => place.close())

test('without limits the shell is told nothing', () => {
  expect(settingLimits(noLimits)).toBe('')
})

test.runIf(platform === 'linux')('a runner has the limits that it was given, and cannot raise them', async () => {
  const request = aRequest()
  const command = ['/bin/sh', '-c', 'cat /proc/self/limits > limits.part; mv limits.part limits; exec sleep 3600']
  const dispatcher = place.dispatcher('muster', { command, limits: all })
  await dispatcher.launch(request, never)
  const path = join(place.workDir, request.id, 'limits')
  await vi.waitFor(() => stat(path))
  await dispatcher.close?.()
  const table = Object.fromEntries(
    (await readFile(path, 'utf8')).split('\n').map((line) => {
      const [, name = '', soft, hard] = /^(Max .*?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? []
      return [name, `${soft} ${hard}`]
    }),
  )
  expect(table).toMatchObject({
    'Max address space': '4294967296 4294967296',
    'Max cpu time': '3600 3600',
    'Max open files': '256 256',
    'Max processes': '4000 4000',
    'Max file size': '1073741824 1073741824',
  })
})

// dash has -p for processes and calls -u an error; bash has -u, and -p is something else there.
test.each(['/bin/sh', '/bin/bash', '/usr/bin/busybox'])('%s sets them all, where it is there', async (shell) => {
  const isThere = await stat(shell).then(
    () => true,
    () => false,
  )
  if (!isThere) return console.warn(`${shell} is not on this machine: its limits are not tried`)
  const args = shell.endsWith('busybox') ? ['sh', '-c'] : ['-c']
  const script = `${settingLimits(all)} && cat /proc/self/limits`
  const { stdout } = await promisify(execFile)(shell, [...args, script])
  expect(stdout).toMatch(/Max processes +4000/)
  expect(stdout).toMatch(/Max open files +256/)
})

test('a limit above what may be had is a refusal that says so, and leaves nothing', async () => {
  const dispatcher = place.dispatcher('muster', { limits: { ...noLimits, openFiles: 2 ** 31 } })
  await expect(dispatcher.launch(aRequest(), never)).rejects.toMatchObject({
    name: 'DispatchRefused',
    message: expect.stringMatching(/^"limits" cannot be set here: .*ulimit/),
  })
  expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
  await dispatcher.close?.()
})

test('macOS keeps no limit of memory, so it is refused there', () => {
  expect(() => checkLimits(all, 'darwin')).toThrow(/"limits.memory" is not kept by macOS/)
  expect(() => checkLimits({ ...all, memory: null }, 'darwin')).not.toThrow()
  expect(() => checkLimits(all, 'linux')).not.toThrow()
})
