import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import { DispatchRefused } from '../../src/dispatchers/errors.ts'
import { startScript } from '../../src/dispatchers/start-script.ts'
import { aCredential, aRequest, canary } from './contract.ts'

const run = promisify(execFile)
const runners = fileURLToPath(new URL('../fixtures/runners', import.meta.url))

/** Runs the script as a machine would, with stand-ins for the runners; answers what they told of how they were called. */
async function started(credential: Credential, over: Parameters<typeof aRequest>[0] = {}) {
  const folder = await mkdtemp(join(tmpdir(), "muster it's "))
  onTestFinished(async () => {
    for (const { pid } of await told(folder)) process.kill(pid)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const request = aRequest({ ...over, env: { STAND_IN_TOLD: folder, ...over.env } })
  const { script, env } = startScript(request, credential)
  const PATH = [runners, dirname(execPath), '/usr/bin', '/bin'].join(delimiter)
  void run('/bin/sh', ['-c', script], { env: { PATH, HOME: folder, TMPDIR: folder }, timeout: 20_000 }).catch(
    () => undefined,
  )
  return { folder, env, request }
}

async function told(folder: string) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8'))))
}

const jit: Credential = { kind: 'jit', url: 'https://github.com/acme', config: canary }
const gitea: Credential = {
  kind: 'gitea',
  url: 'https://gitea.example.org',
  id: '7',
  uuid: 'u-7',
  name: 'muster-1',
  token: canary,
  labels: ['linux:host'],
}

describe('the start script', () => {
  test.each([
    ['forgejo', aCredential(), 'forgejo-runner'],
    ['gitea', gitea, 'gitea-runner'],
  ] as const)(
    'starts the runner of %s in a folder of its own, the credential in a file',
    async (_, credential, name) => {
      const { folder, request } = await started(credential)
      const [call] = await until(() => told(folder))
      expect(basename(call.program)).toBe(name)
      expect(JSON.stringify(call.args)).not.toContain(canary)
      expect(call.cwd).toBe(join(folder, request.name))
      expect(call.env).toMatchObject({ MUSTER_DISPATCH: request.id, MUSTER_RUNNER_NAME: request.name })
      const files = await readdir(call.cwd)
      const texts = await Promise.all(files.map((file) => readFile(join(call.cwd, file), 'utf8').catch(() => '')))
      expect(texts.join('\n')).toContain(canary)
      expect((await stat(call.cwd)).mode & 0o077).toBe(0)
    },
  )

  test('hands a JIT configuration over in the environment of the runner alone', async () => {
    const { folder, env } = await started(jit)
    const [call] = await until(() => told(folder))
    expect(JSON.stringify(env)).not.toContain(canary)
    expect(JSON.stringify(call.args)).not.toContain(canary)
  })

  test('says what the image lacks when no runner is found', async () => {
    const { script } = startScript(aRequest(), aCredential())
    const failed = await run('/bin/sh', ['-c', script], { env: { PATH: '/usr/bin:/bin', HOME: '/nowhere' } }).catch(
      (error) => error,
    )
    onTestFinished(() => rm('/tmp/muster-1', { recursive: true, force: true }))
    expect(failed).toMatchObject({ code: 127, stderr: expect.stringMatching(/forgejo-runner was not found/) })
    expect(failed.stderr).not.toContain(canary)
  })

  test.each(['/bin/sh', '/usr/bin/dash', '/usr/bin/busybox'].filter((shell) => existsSync(shell)))(
    'starts the runner in %s where no home is set',
    async (shell) => {
      const folder = await mkdtemp(join(tmpdir(), 'muster-'))
      onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
      const { script } = startScript(aRequest({ env: { STAND_IN_TOLD: folder } }), gitea)
      const PATH = [runners, dirname(execPath), '/usr/bin', '/bin'].join(delimiter)
      const args = shell.endsWith('busybox') ? ['sh', '-c', script] : ['-c', script]
      run(shell, args, { env: { PATH, TMPDIR: folder }, timeout: 20_000 }).catch(() => undefined)
      const [call] = await until(() => told(folder))
      expect(basename(call.program)).toBe('gitea-runner')
      process.kill(call.pid)
    },
  )

  test('takes any text in the env for a text', async () => {
    const odd = `it's "$HOME" \`id\` $(id) \\ \n second line`
    const { folder } = await started(aCredential(), { env: { ODD: odd } })
    const [call] = await until(() => told(folder))
    expect(call.env.ODD).toBe(odd)
  })

  test('refuses a name in the env that no shell can set', () => {
    expect(() => startScript(aRequest({ env: { 'NO-SHELL': '1' } }), aCredential())).toThrow(DispatchRefused)
  })
})

async function until<T>(ask: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const found = await ask()
    if (found.length > 0) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
