import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../../src/core/credential.ts'
import { randomId } from '../../../src/ids.ts'
import { aCredential, aRequest, canary, never } from '../contract.ts'
import { realClient, realEngines, realImage, realPlace, standIn } from './real-engine.ts'

const folder = resolve(import.meta.dirname, '../../../deploy/runners')
const files = readdirSync(folder).filter((file) => file.endsWith('.Containerfile'))
const read = (file: string) => readFileSync(join(folder, file), 'utf8')

const engines = await realEngines()
if (engines.length === 0)
  console.warn('SKIPPED: the runner images are not built, because no container engine answers (see engine.test.ts)')

const url = 'http://127.0.0.1:3000'
const credentials: Record<string, Credential> = {
  'forgejo-runner.Containerfile': aCredential(),
  'gitea-runner.Containerfile': { kind: 'gitea', url, id: '1', uuid: 'u', name: 'n', token: canary, labels: ['linux'] },
  'github-runner.Containerfile': { kind: 'jit', url, config: canary },
}

test('there is an image for the runner of each forge', () => {
  expect(files.sort()).toEqual(Object.keys(credentials).sort())
})

describe.each(files)('%s', (file) => {
  test('checks what it fetches, from where everybody can fetch it, and names its user by number', () => {
    const text = read(file)
    expect(text).toMatch(/^ARG RUNNER_SHA256$/m)
    expect(text).toMatch(/sha256sum -c -/)
    expect(text).toMatch(/^USER \d+:\d+$/m)
    const hosts = [...text.matchAll(/(?:https:\/\/|^ARG BASE=)([^/\s]+)\//gm)].map(([, host]) => host)
    const open = ['docker.io', 'code.forgejo.org', 'gitea.com', 'github.com']
    expect(hosts.filter((host) => !open.includes(host ?? ''))).toEqual([])
  })
})

// What a build needs of Debian, played: no network is reached.
const apt = '#!/bin/sh\nexit 0\n'
const curl =
  '#!/bin/sh\ncase "$4" in *.tar.gz) cp /downloads/runner.tar.gz "$3" ;; *) cp /downloads/runner "$3" ;; esac\n'
const useradd = '#!/bin/sh\nmkdir -p /home/runner && chown 1000:1000 /home/runner\n'

describe.skipIf(engines.length === 0).each(engines.length > 0 ? engines : ['none'])('built on %s', (socket) => {
  const docker = realClient(socket)
  const made: string[] = []
  const sums: Record<string, string> = {}
  let base = ''
  beforeAll(async () => {
    base = await realImage(socket, 'USER root', (root) => {
      for (const place of ['downloads', 'home', 'usr/local/bin', 'var/lib/apt/lists'])
        mkdirSync(join(root, place), { recursive: true })
      for (const applet of ['cp', 'chmod', 'chown', 'echo', 'gzip', 'sha256sum', 'tar'])
        symlinkSync('busybox', join(root, 'bin', applet))
      for (const [name, text] of Object.entries({ 'apt-get': apt, curl, useradd }))
        writeFileSync(join(root, 'bin', name), text, { mode: 0o755 })
      writeFileSync(join(root, 'downloads/runner'), standIn)
      writeFileSync(join(root, 'downloads/run.sh'), standIn, { mode: 0o755 })
      execFileSync('tar', ['-C', join(root, 'downloads'), '-czf', join(root, 'downloads/runner.tar.gz'), 'run.sh'])
      for (const name of ['runner', 'runner.tar.gz'])
        sums[name] = createHash('sha256')
          .update(readFileSync(join(root, 'downloads', name)))
          .digest('hex')
    })
  }, 60_000)
  afterAll(async () => {
    const steps = await descendants(docker, base)
    for (const image of [...made.reverse(), ...steps.reverse(), base])
      await docker
        .getImage(image)
        .remove({ force: true })
        .catch(() => undefined)
  }, 60_000)

  /** Builds it, and answers what the engine said last. */
  async function build(file: string, image: string, sum: string): Promise<string> {
    const context = mkdtempSync(join(tmpdir(), 'muster-context-'))
    try {
      const archive = join(context, 'context.tar')
      execFileSync('tar', ['-C', folder, '-cf', archive, file])
      const buildargs = { BASE: base, RUNNER_VERSION: '1.2.3', RUNNER_SHA256: sum }
      // Podman keeps each step as an image unless it is told `layers`, which Docker does not know.
      const options = {
        layers: false,
        t: image,
        dockerfile: file,
        buildargs,
        networkmode: 'none',
        rm: true,
        forcerm: true,
      }
      const stream = await docker.buildImage(archive, options)
      let last = ''
      for await (const chunk of stream) last = String(chunk)
      return last
    } finally {
      rmSync(context, { recursive: true })
    }
  }

  test.each(files)('%s starts its runner under Muster', { timeout: 120_000 }, async (file) => {
    const image = `localhost/muster-test-${randomId()}:1`
    made.push(image)
    const download = file.startsWith('github') ? 'runner.tar.gz' : 'runner'
    const said = await build(file, image, sums[download] ?? '')
    expect(said).not.toContain('errorDetail')
    const place = await realPlace(socket, image)
    const dispatcher = place.dispatcher()
    try {
      const request = aRequest({ credential: credentials[file] ?? null })
      await dispatcher.launch(request, never)
      await vi.waitFor(
        async () => {
          const output = String(await place.container(request.id).logs({ stdout: true, stderr: true }))
          expect(output).toContain('user 1000 sees: 0')
          expect(await place.living()).toEqual([request.id])
        },
        { timeout: 15_000, interval: 200 },
      )
    } finally {
      await dispatcher.close?.()
      await place.close()
    }
  })

  test.each(files)('%s is not built with another file than was meant', { timeout: 120_000 }, async (file) => {
    const said = await build(file, `localhost/muster-test-${randomId()}:1`, '0'.repeat(64)).catch((error) =>
      String(error),
    )
    expect(said).toMatch(/error.*sha256sum/is)
  })
})

/** What a build leaves that did not come to its end: each step is an image, parents first. */
async function descendants(docker: Docker, base: string): Promise<string[]> {
  const family = [(await docker.getImage(base).inspect()).Id]
  const all = await docker.listImages({ all: true })
  for (const id of family) family.push(...all.filter(({ ParentId }) => ParentId === id).map(({ Id }) => Id))
  return family.slice(1)
}
