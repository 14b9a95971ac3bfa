import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkProcess } from '../../../src/dispatchers/process/check.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { runners } from './place.ts'

async function checked(over: Partial<ProcessOptions>, forges = ['forgejo']) {
  const folder = await mkdtemp(join(tmpdir(), 'muster-check-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const options = { command: null, workDir: join(folder, 'a', 'b'), user: null, env: { PATH: runners }, ...over }
  return (await checkProcess(options, forges)).map(({ level, check, message }) => `${level} ${check}: ${message}`)
}

test('the runner of each forge is found on PATH, and its folder can be made', async () => {
  expect(await checked({}, ['forgejo', 'gitea', 'github'])).toEqual([
    expect.stringMatching(/^good runner_program: .*forgejo-runner/),
    expect.stringMatching(/^good runner_program: .*gitea-runner/),
    expect.stringMatching(/^good runner_program: .*run\.sh/),
    expect.stringMatching(/^good work_dir: /),
  ])
})

test('a runner that is not installed is a problem that names it', async () => {
  expect(await checked({ env: { PATH: '/nowhere' } })).toContainEqual(
    expect.stringMatching(/^problem runner_program: forgejo-runner was not found/),
  )
})

test("the user's own command is looked for in its place", async () => {
  expect(await checked({ command: ['no-such-runner', 'x'] })).toContainEqual(
    expect.stringMatching(/^problem runner_program: no-such-runner/),
  )
})

test('a folder that cannot be made is a problem', async () => {
  expect(await checked({ workDir: '/dev/null/work' })).toContainEqual(expect.stringMatching(/^problem work_dir: /))
})

test('a user that is not there is a problem', async () => {
  expect(await checked({ user: 'nobody-of-this-name' })).toContainEqual(expect.stringMatching(/^problem user: /))
})
