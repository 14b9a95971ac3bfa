import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import type { SimulatedForge } from '../../src/simulation/forge.ts'
import type { Happening } from '../../src/simulation/state.ts'
import { type OpenForge, openForge, repository, repositoryScope } from '../support/world.ts'

const program = fileURLToPath(new URL('../../src/simulation/runner.ts', import.meta.url))

/** Starts the stand-in runner as a dispatcher would; it is ended with the test. */
function start(labels: string, credential: Credential): ChildProcess {
  const folder = mkdtempSync(join(tmpdir(), 'runner-'))
  const file = join(folder, 'credential.json')
  writeFileSync(file, JSON.stringify(credential))
  const child = spawn(process.execPath, [program], {
    stdio: 'ignore',
    env: {
      MUSTER_RUNNER_NAME: 'muster-1',
      MUSTER_RUNNER_LABELS: labels,
      MUSTER_RUNNER_INTERVAL: '20',
      MUSTER_FORGE_URL: credential.url,
      MUSTER_CREDENTIAL_FILE: file,
      ...(credential.kind === 'jit' && { ACTIONS_RUNNER_INPUT_JITCONFIG: credential.config }),
    },
  })
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true })
  })
  return child
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

function happens(forge: SimulatedForge, wanted: (happening: Happening) => boolean): Promise<void> {
  return new Promise((resolve) => forge.watch((happening) => wanted(happening) && resolve()))
}

const connected = (happening: Happening) => happening.kind === 'runner' && happening.change === 'connected'

function push(forge: SimulatedForge, labels: string[], over: { willEnd?: 'failure'; seconds?: number } = {}) {
  const run = forge.jobs.push({ repository, jobs: [{ name: 'build', labels, seconds: 0.05, ...over }] })
  return forge.jobs.ofRun(run.id)[0]!
}

const sharedToken = ({ forge, url }: OpenForge, kind: 'forgejo' | 'gitea'): Credential => ({
  kind: 'registration-token',
  forge: kind,
  url,
  token: forge.runners.registrationToken(repositoryScope),
})

async function jit({ call, url }: OpenForge): Promise<Credential> {
  const body = { name: 'muster-1', runner_group_id: 1, labels: ['self-hosted', 'linux'] }
  const { json } = await call('POST', `/api/v3/repos/${repository}/actions/runners/generate-jitconfig`, body)
  return { kind: 'jit', url, config: json.encoded_jit_config }
}

async function registration({ call, url }: OpenForge, handle: string | null): Promise<Credential> {
  const body = { name: 'muster-1', ephemeral: true }
  const { json } = await call('POST', `/api/v1/repos/${repository}/actions/runners`, body)
  return { kind: 'forgejo', url, uuid: json.uuid, token: json.token, handle }
}

test('on Forgejo 15 it takes the job of its handle, reports and exits', async () => {
  const open = await openForge({ kind: 'forgejo', version: 15 })
  const other = push(open.forge, ['docker'])
  const job = push(open.forge, ['docker'])
  const child = start('docker:docker://node:22', await registration(open, job.handle))
  expect(await ended(child)).toBe(0)
  expect(job).toMatchObject({ conclusion: 'success', runner: { name: 'muster-1' } })
  expect(other.status).toBe('queued')
  expect(open.forge.runners.of(repositoryScope)).toEqual([])
})

test('on Gitea it registers itself with the shared token and waits for a job', async () => {
  const open = await openForge({ kind: 'gitea', version: '1.26' })
  const joined = happens(open.forge, connected)
  const child = start('ubuntu-latest:host', sharedToken(open, 'gitea'))
  await joined
  const job = push(open.forge, ['ubuntu-latest'], { willEnd: 'failure' })
  expect(await ended(child)).toBe(0)
  expect(job).toMatchObject({ conclusion: 'failure', runner: { name: 'muster-1' } })
})

test('on Gitea it takes a job with a registration of its own', async () => {
  const open = await openForge({ kind: 'gitea', version: '1.26' })
  const body = { name: 'muster-1', token: open.forge.runners.registrationToken(repositoryScope), ephemeral: true }
  const { json } = await open.call('POST', '/api/actions/runner.v1.RunnerService/Register', body)
  const { id, uuid, name, token } = json.runner
  const job = push(open.forge, ['ubuntu-latest'])
  const credential = { kind: 'gitea', url: open.url, id, uuid, name, token, labels: ['ubuntu-latest:host'] } as const
  expect(await ended(start('ubuntu-latest:host', credential))).toBe(0)
  expect(job).toMatchObject({ conclusion: 'success', runner: { name: 'muster-1' } })
})

test('on Forgejo 14 it registers itself too, and stays registered', async () => {
  const open = await openForge({ kind: 'forgejo', version: 14 })
  const job = push(open.forge, ['docker'])
  expect(await ended(start('docker', sharedToken(open, 'forgejo')))).toBe(0)
  expect(job.conclusion).toBe('success')
  expect(open.forge.runners.of(repositoryScope)).toHaveLength(1)
})

test('on GitHub its JIT configuration is all that it needs', async () => {
  const open = await openForge({ kind: 'github' })
  const job = push(open.forge, ['self-hosted', 'linux'])
  expect(await ended(start('', await jit(open)))).toBe(0)
  expect(job).toMatchObject({ conclusion: 'success', runner: { name: 'muster-1' } })
  expect(open.forge.runners.of(repositoryScope)).toEqual([])
})

test('it leaves a cancelled job', async () => {
  const open = await openForge({ kind: 'github' })
  const job = push(open.forge, ['linux'], { seconds: 600 })
  const begun = happens(open.forge, (one) => one.kind === 'job' && one.job.status === 'running')
  const child = start('', await jit(open))
  await begun
  open.forge.jobs.cancel(job.id)
  expect(await ended(child)).toBe(0)
})

test('an idle one that its forge removed exits', async () => {
  const open = await openForge({ kind: 'gitea', version: '1.26' })
  const joined = happens(open.forge, connected)
  const child = start('ubuntu-latest', sharedToken(open, 'gitea'))
  await joined
  open.forge.runners.remove(open.forge.runners.of(repositoryScope)[0]!)
  expect(await ended(child)).toBe(0)
})

test('SIGTERM ends it at once, and its job goes on at the forge', async () => {
  const open = await openForge({ kind: 'github' })
  const job = push(open.forge, ['linux'], { seconds: 600 })
  const begun = happens(open.forge, (one) => one.kind === 'job' && one.job.status === 'running')
  const child = start('', await jit(open))
  await begun
  child.kill('SIGTERM')
  expect(await ended(child)).toBe(0)
  expect(job.status).toBe('running')
})

test('a wrong registration token ends it with 1', async () => {
  const { url } = await openForge({ kind: 'gitea', version: '1.26' })
  const credential = { kind: 'registration-token', forge: 'gitea', url, token: 'wrong' } as const
  expect(await ended(start('ubuntu-latest', credential))).toBe(1)
})
