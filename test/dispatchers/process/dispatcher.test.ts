import { chmod, cp, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execPath, getuid, env as ourEnv, platform } from 'node:process'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../../src/core/credential.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import type { ProcessOptions } from '../../../src/dispatchers/process/options.ts'
import { recordsIn } from '../../../src/dispatchers/process/record.ts'
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

const open = (options: Partial<ProcessOptions> = {}): Dispatcher => {
  const made = place.dispatcher('muster', options)
  opened.push(made)
  return made
}
const part = (name: string) => ({ env: { STAND_IN_PART: name } })
const told = (calls: number) =>
  vi.waitFor(
    async () => {
      const all = await place.told()
      expect(all.length).toBeGreaterThanOrEqual(calls)
      return all
    },
    { timeout: 10_000 },
  )
const gone = (pid: number | undefined) => vi.waitFor(() => expect(lives(pid ?? 0)).toBe(false), { timeout: 10_000 })
const quiet = (dispatcher: Dispatcher) =>
  vi.waitFor(async () => expect((await dispatcher.running?.(never))?.dispatches).toEqual([]), { timeout: 10_000 })
const shared = (forge: 'forgejo' | 'gitea'): Credential => ({
  kind: 'registration-token',
  forge,
  url: 'http://127.0.0.1:3000',
  token: canary,
})
const jit: Credential = { kind: 'jit', url: 'https://github.com/acme', config: canary }

describe('each forge gets its runner:', () => {
  test('Forgejo 15', async () => {
    await open().launch(aRequest(), never)
    const [runner] = await told(1)
    expect(runner?.args[0]).toBe('one-job')
    expect(runner?.token).toBe(canary)
  })

  test.each(['forgejo', 'gitea'] as const)('%s with the shared token registers first, and then runs', async (forge) => {
    const request = aRequest({ credential: shared(forge) })
    await open().launch(request, never)
    const [registration, runner] = await told(2)
    expect(registration?.args[0]).toBe('register')
    expect(registration?.token).toBe(canary)
    const settings = expect.stringMatching(/^--config=.+settings\.yaml$/)
    expect(runner).toMatchObject({
      args: forge === 'gitea' ? ['daemon', settings, '--once'] : ['one-job', settings, '--wait'],
      registered: true,
    })
    expect(JSON.stringify([runner?.env, registration?.args])).not.toContain(canary)
  })

  test('Gitea with an act_runner that knows no token in its environment', async () => {
    const folder = join(dirname(place.workDir), 'bin')
    await mkdir(folder)
    await symlink(join(runners, 'act_runner'), join(folder, 'act_runner'))
    const options = { env: { ...place.options().env, PATH: `${folder}:${dirname(execPath)}:/usr/bin:/bin` } }
    await open(options).launch(aRequest({ credential: shared('gitea') }), never)
    const [registration] = await told(2)
    expect(registration).toMatchObject({ program: expect.stringContaining('act_runner'), token: canary })
  })

  test('GitHub', async () => {
    await open().launch(aRequest({ credential: jit }), never)
    const [runner] = await told(1)
    expect(runner?.args).toEqual([])
    expect(runner?.env.ACTIONS_RUNNER_INPUT_JITCONFIG).toBe(canary)
  })

  // Two runners of GitHub in one folder overwrite each other's registration.
  test('GitHub, each with a copy of the runner and without what another left there', async () => {
    const home = join(dirname(place.workDir), 'actions-runner')
    await cp(runners, home, { recursive: true })
    await mkdir(join(home, 'bin'))
    await writeFile(join(home, 'package.json'), '{"type":"module"}')
    await writeFile(join(home, 'bin', 'Runner.Listener'), '', { mode: 0o755 })
    await writeFile(join(home, '.credentials'), 'of another runner')
    const request = aRequest({ credential: jit })
    await open({ command: [join(home, 'run.sh')] }).launch(request, never)
    const [runner] = await told(1)
    expect(runner?.program).toBe(join(place.workDir, request.id, 'runner', 'own-command'))
    expect(await readdir(join(place.workDir, request.id, 'runner'))).not.toContain('.credentials')
  })

  test("a command of the user's own, with the credential in a file that only it can read", async () => {
    await open({ command: [join(runners, 'own-command'), 'an argument'] }).launch(aRequest(), never)
    const [runner] = await told(1)
    expect(runner).toMatchObject({ args: ['an argument'], mode: '600', credential: { kind: 'forgejo', token: canary } })
  })
})

test('a runner works in a folder of its own that nobody else can enter', async () => {
  const request = aRequest()
  await open().launch(request, never)
  const [runner] = await told(1)
  expect(runner?.cwd).toBe(join(place.workDir, request.id))
  expect((await stat(join(place.workDir, request.id))).mode & 0o777).toBe(0o700)
})

// reliability.md R3: nothing of our own environment, where our secrets are, reaches a runner.
test('a runner inherits nothing of our environment', async () => {
  vi.stubEnv('MUSTER_TEST_SECRET', 'ours')
  await open().launch(aRequest(), never)
  vi.unstubAllEnvs()
  const [runner] = await told(1)
  const extra = Object.keys(runner?.env ?? {}).filter((name) => !/^(MUSTER_(?!TEST)|STAND_IN_)/.test(name))
  expect(extra.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)).sort()).toEqual([
    'HOME',
    'LANG',
    'PATH',
    'TMPDIR',
  ])
  expect(ourEnv.MUSTER_TEST_SECRET).toBeUndefined()
})

test.runIf(platform === 'linux')('a runner leads a session of its own', async () => {
  await open().launch(aRequest(), never)
  const [runner] = await told(1)
  const fields = (await readFile(`/proc/${runner?.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  expect(fields[3]).toBe(String(runner?.pid))
})

test('the file with the credential is gone soon after the start', async () => {
  const request = aRequest()
  await open().launch(request, never)
  await told(1)
  const folder = join(place.workDir, request.id)
  await vi.waitFor(async () => expect(await readdir(folder)).not.toContain('token'), { timeout: 10_000 })
  expect(await place.living()).toEqual([request.id])
})

describe('what cannot start is refused, and leaves nothing behind:', () => {
  afterEach(async () => {
    const left = await readdir(place.workDir).catch(() => [])
    expect(left.filter((entry) => !['.records', '.output'].includes(entry))).toEqual([])
    expect(await readdir(join(place.workDir, '.output')).catch(() => [])).toEqual([])
    expect((await recordsIn(place.workDir).list()).records).toEqual([])
  })

  test('a runner that is not installed', async () => {
    const launch = open({ env: { PATH: '/nowhere' } }).launch(aRequest(), never)
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message:
        'forgejo-runner was not found on PATH: install forgejo-runner 12.8 or later, or set "command" of the dispatcher',
    })
  })

  test('a command that is not there', async () => {
    const launch = open({ command: ['/opt/no-such-runner'] }).launch(aRequest(), never)
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('"/opt/no-such-runner"'),
    })
  })

  test.each(['forgejo', 'gitea'] as const)('a registration that %s refuses, told without the token', async (forge) => {
    const launch = open(part('refuse')).launch(aRequest({ credential: shared(forge) }), never)
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: `the runner's registration ended with exit code 1: level=error msg="cannot register: token *** not found"`,
    })
  })

  test('a registration that never ends', async () => {
    const launch = open(part('endless')).launch(aRequest({ credential: shared('forgejo') }), never)
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('did not end in time'),
    })
    const [registration] = await told(1)
    await gone(registration?.pid)
  })

  test('a start that is given up', async () => {
    const giveUp = new AbortController()
    const launch = open(part('endless')).launch(aRequest({ credential: shared('forgejo') }), giveUp.signal)
    await told(1)
    giveUp.abort()
    await expect(launch).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringContaining('given up'),
    })
  })

  test('a runner without a credential', async () => {
    await expect(open().launch(aRequest({ credential: null }), never)).rejects.toMatchObject({
      name: 'DispatchRefused',
    })
  })

  test('a label that no command line can hold', async () => {
    const launch = open().launch(aRequest({ labels: ['x'.repeat(200_000)] }), never)
    await expect(launch).rejects.toMatchObject({ name: 'DispatchRefused', message: expect.stringMatching(/E2BIG/) })
  })

  test('a dispatch id that is no file name', async () => {
    await expect(open().launch(aRequest({ id: '../../etc' }), never)).rejects.toMatchObject({ name: 'DispatchRefused' })
  })

  test('a work_dir that cannot be made', async () => {
    const file = join(dirname(place.workDir), 'file')
    await writeFile(file, '')
    const launch = open({ workDir: join(file, 'work') }).launch(aRequest(), never)
    await expect(launch).rejects.toMatchObject({ name: 'DispatchRefused' })
  })
})

test('after a refusal the same request may be asked again', async () => {
  const request = aRequest()
  await expect(open({ env: { PATH: '/nowhere' } }).launch(request, never)).rejects.toThrow(/not found/)
  await expect(open().launch(request, never)).resolves.toEqual({ name: request.name })
})

describe('a runner ends', () => {
  test('by itself: it is told, and its folder goes', async () => {
    const dispatcher = open()
    const ended = new Promise<void>((resolve) => dispatcher.onEnd?.(resolve))
    await dispatcher.launch(aRequest(part('finish')), never)
    await ended
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
    expect(await readdir(place.workDir)).toEqual(['.ended', '.output', '.records'])
  })

  test('and is not started again when its request comes once more', async () => {
    const dispatcher = open()
    const request = aRequest(part('finish'))
    await dispatcher.launch(request, never)
    await told(1)
    await quiet(dispatcher)
    await expect(dispatcher.launch(request, never)).resolves.toEqual({ name: request.name })
    expect(await dispatcher.running?.(never)).toEqual({ complete: true, dispatches: [] })
  })

  test('with a fault soon after its start: the user is told where its output is', async () => {
    const dispatcher = open()
    await dispatcher.launch(aRequest(part('fail')), never)
    await vi.waitFor(() => expect(place.notes).toHaveLength(1), { timeout: 10_000 })
    const [, path = ''] = /ended with exit code 1 .* its output is in (.*)$/.exec(place.notes[0] ?? '') ?? []
    expect(await readFile(path, 'utf8')).toContain('no container engine is running')
  })

  test('by force, with its ttl, when it does not listen', async () => {
    await open().launch(aRequest({ ...part('stubborn'), ttl: 10_000 }), never)
    const [runner] = await told(1)
    await gone(runner?.pid)
  })

  test('with all that it started', async () => {
    const dispatcher = open()
    const request = aRequest(part('family'))
    await dispatcher.launch(request, never)
    const [runner] = await told(1)
    const child = await vi.waitFor(async () => {
      const children = await readFile(`/proc/${runner?.pid}/task/${runner?.pid}/children`, 'utf8')
      expect(children.trim()).not.toBe('')
      return Number(children.trim().split(' ')[0])
    })
    await dispatcher.stop?.(request.id, never)
    await gone(child)
  })
})

// run.sh is a shell that dies at once, while the runner below it still has to take leave.
test('what a runner started has time to end well', async () => {
  const farewell = join(dirname(place.workDir), 'farewell')
  const below = `trap 'sleep 0.1; echo well > ${farewell}; exit' TERM; touch ready; while :; do sleep 0.01; done`
  const request = aRequest({ env: { BELOW: below } })
  const dispatcher = open({ command: ['/bin/sh', '-c', 'sh -c "$BELOW" & wait'] })
  await dispatcher.launch(request, never)
  await vi.waitFor(() => stat(join(place.workDir, request.id, 'ready')))
  await dispatcher.stop?.(request.id, never)
  expect(await readFile(farewell, 'utf8')).toBe('well\n')
})

test('a record of another shape makes the list incomplete, and is told', async () => {
  const dispatcher = open()
  await dispatcher.launch(aRequest(), never)
  await writeFile(join(place.workDir, '.records', 'foreign.json'), '{"version":9}')
  expect(await dispatcher.running?.(never)).toMatchObject({ complete: false })
  await dispatcher.running?.(never)
  expect(place.notes).toEqual([expect.stringContaining('foreign.json cannot be read')])
})

test.runIf(getuid?.() === 0)('as a user, a runner is that user in a folder of its own', async () => {
  await chmod(dirname(place.workDir), 0o711)
  const request = aRequest()
  const command = ['/bin/sh', '-c', 'id -u > who && cat credential.json > read; exec sleep 3600']
  await open({ user: 'nobody', command }).launch(request, never)
  const folder = join(place.workDir, request.id)
  await vi.waitFor(async () => expect(await readFile(join(folder, 'read'), 'utf8')).toContain(canary))
  expect((await readFile(join(folder, 'who'), 'utf8')).trim()).toBe(String((await stat(folder)).uid))
  expect((await stat(folder)).uid).not.toBe(0)
})

test('a user that does not exist is refused when the dispatcher is made', () => {
  expect(() => open({ user: 'no-such-user' })).toThrow(
    getuid?.() === 0 ? /no user of this system/ : /needs Muster to run as root/,
  )
})
