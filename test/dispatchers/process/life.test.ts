import { execFile } from 'node:child_process'
import { execPath, pid, platform } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { beganByPs, signalGroup } from '../../../src/dispatchers/process/life.ts'

const life = fileURLToPath(new URL('../../../src/dispatchers/process/life.ts', import.meta.url))
const run = promisify(execFile)

test.each([1, 0])('no signal goes to the group %i, which is no runner but everybody', (group) => {
  expect(signalGroup(group, 0)).toBe(false)
})

// Where there is no /proc, a service that is started from elsewhere would take its runners for strangers.
test.each([
  { TZ: 'Pacific/Auckland', LC_ALL: 'C' },
  { TZ: 'America/New_York', LC_ALL: 'de_DE.UTF-8' },
])('the mark of a process by ps is the same with %o', async (env) => {
  const script = `process.stdout.write(await (await import(${JSON.stringify(life)})).beganByPs(${pid}))`
  const { stdout } = await run(execPath, ['--input-type=module', '-e', script], { env })
  expect(stdout).toBe(await beganByPs(pid))
  expect(stdout).toMatch(/^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/)
})

test('a process that is not there has no mark by ps', async () => {
  expect(await beganByPs(2 ** 30)).toBe('')
})

// It would be taken for ended, and its work folder be removed under it.
test.runIf(platform === 'linux')(
  'a process that cannot be seen for want of open files is not taken for one that ended',
  async () => {
    const script = `
    const { openSync } = await import('node:fs')
    const { isAlive, markOf } = await import(${JSON.stringify(life)})
    const mark = await markOf(process.pid)
    try { for (;;) openSync('/dev/null') } catch {}
    const seen = await isAlive(mark).catch((error) => error.code)
    process.stdout.write(String(seen))
    process.reallyExit(0)`
    const shell = ['-c', 'ulimit -n 128; exec "$@"', 'sh', execPath, '--input-type=module', '-e', script]
    const { stdout } = await run('/bin/sh', shell)
    expect(stdout).toBe('EMFILE')
  },
)
