import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { execPath, getuid } from 'node:process'
import { expect, onTestFinished, test } from 'vitest'
import { checkProcess } from '../../../src/dispatchers/process/check.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { processFields, processOptions } from '../../../src/dispatchers/process/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import { noLimits, runners } from './place.ts'

const defaults = processOptions(mapping(processFields()).parse({}))

async function checked(over: Partial<ProcessOptions>, forges = ['forgejo']) {
  const folder = await mkdtemp(join(tmpdir(), 'muster-check-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const env = { RUNNER_ALLOW_RUNASROOT: '1', PATH: [runners, dirname(execPath), '/usr/bin', '/bin'].join(delimiter) }
  const options = { ...defaults, workDir: join(folder, 'a', 'b'), env, ...over }
  return (await checkProcess(options, forges)).map(({ level, check, message }) => `${level} ${check}: ${message}`)
}

test('the runner of each forge is found on PATH, and its folder can be made', async () => {
  expect(await checked({}, ['forgejo', 'gitea', 'github'])).toEqual([
    expect.stringMatching(/^good runner_program: .*forgejo-runner/),
    expect.stringMatching(/^note runner_version: .*forgejo-runner tells no version/),
    expect.stringMatching(/^good runner_program: .*gitea-runner/),
    expect.stringMatching(/^note runner_version: .*gitea-runner tells no version/),
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

test.each`
  forge        | version                               | told
  ${'forgejo'} | ${'forgejo-runner version v12.9.1'}   | ${/^good runner_version: .* is version 12\.9\.1$/}
  ${'forgejo'} | ${'forgejo-runner version v12.7.3'}   | ${/^warning runner_version: .* 12\.7\.3, which is too old for Forgejo 15 and later$/}
  ${'forgejo'} | ${'forgejo-runner version v6.3.1'}    | ${/^problem runner_version: .* 6\.3\.1, which is too old for Forgejo$/}
  ${'gitea'}   | ${'act_runner version v0.2.12'}       | ${/^good runner_version/}
  ${'gitea'}   | ${'act_runner version v0.2.11'}       | ${/^problem runner_version: .* too old for Gitea$/}
  ${'gitea'}   | ${'act_runner version v0.2.11-3-gab'} | ${/^note runner_version/}
`('a runner of $forge that says "$version" is told', async ({ forge, version, told }) => {
  const PATH = [runners, dirname(execPath), '/usr/bin', '/bin'].join(delimiter)
  const findings = await checked({ env: { PATH, STAND_IN_VERSION: version } }, [forge])
  expect(findings).toContainEqual(expect.stringMatching(told))
})

test.each`
  limits                              | told
  ${{ openFiles: 64, cpuTime: 1000 }} | ${/^good limits/}
  ${{ openFiles: 2 ** 31 }}           | ${/^problem limits: "limits" cannot be set here: /}
`('limits $limits: $told', async ({ limits, told }) => {
  expect(await checked({ limits: { ...noLimits, ...limits } })).toContainEqual(expect.stringMatching(told))
})

test.runIf(getuid?.() === 0)('a runner of GitHub that would run as root is warned of', async () => {
  const { PATH = '' } = process.env
  const warned = expect.stringMatching(/^warning user: the runner of GitHub does not run as root/)
  expect(await checked({ env: { PATH } }, ['github'])).toContainEqual(warned)
  expect(await checked({ env: { PATH }, user: 'nobody' }, ['github'])).not.toContainEqual(warned)
  expect(await checked({ env: { PATH } }, ['forgejo'])).not.toContainEqual(warned)
})

test.runIf(getuid?.() === 0)('as root, a limit of processes is warned of', async () => {
  const limits = { ...noLimits, processes: 4_000 }
  const warned = expect.stringMatching(/^warning limits: "limits.processes" does not hold for root/)
  expect(await checked({ limits })).toContainEqual(warned)
  expect(await checked({ limits, user: 'nobody' })).toContainEqual(expect.stringMatching(/^good limits/))
})

test.runIf(getuid?.() === 0)('a folder that runners of another user can write is a problem', async () => {
  const workDir = await mkdtemp(join(tmpdir(), 'muster-check-'))
  onTestFinished(() => rm(workDir, { recursive: true, force: true }))
  expect(await checked({ workDir, user: 'nobody' })).toContainEqual(expect.stringMatching(/^good work_dir: /))
  await chmod(workDir, 0o777)
  expect(await checked({ workDir, user: 'nobody' })).toContainEqual(
    expect.stringMatching(/^problem work_dir: .* can be written by runners/),
  )
  expect(await checked({ workDir })).toContainEqual(expect.stringMatching(/^good work_dir: /))
})
