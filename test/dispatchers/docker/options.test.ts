import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DockerOptions, dockerFields, dockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import type { Reading } from '../../../src/fields.ts'
import { canary } from '../contract.ts'
import { someOptions } from './options.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-options-'))
  await writeFile(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\nca\n')
  await writeFile(join(folder, 'cert.pem'), '-----BEGIN CERTIFICATE-----\ncert\n')
  await writeFile(join(folder, 'key.pem'), `-----BEGIN EC PRIVATE KEY-----\n${canary}\n`)
})
afterEach(() => rm(folder, { recursive: true }))

function read(written: object, environment: Record<string, string> = {}) {
  const reading: Reading = { environment, folder, secrets: [], files: [], warnings: [] }
  const result = mapping(dockerFields(reading)).safeParse(written)
  const problems = result.error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  return { options: result.success ? dockerOptions(result.data) : null, problems, secrets: reading.secrets }
}
const engineOf = (written: object, environment = {}) => read(written, environment).options?.engine

test('nothing needs to be written', () => {
  const usual = { kind: 'sockets' as const, paths: ['/var/run/docker.sock', '/run/podman/podman.sock'] }
  expect(read({}).options).toEqual({ ...someOptions(''), engine: usual } satisfies DockerOptions)
})

describe('the engine is', () => {
  test('what $DOCKER_HOST names, unless the file does', () => {
    const environment = { DOCKER_HOST: 'unix:///srv/one.sock' }
    expect(engineOf({}, environment)).toEqual({ kind: 'sockets', paths: ['/srv/one.sock'] })
    expect(engineOf({ host: '/srv/two.sock' }, environment)).toEqual({ kind: 'sockets', paths: ['/srv/two.sock'] })
  })

  test('else the first of the usual sockets, those of a user among them', () => {
    expect(engineOf({}, { XDG_RUNTIME_DIR: '/run/user/1000' })).toEqual({
      kind: 'sockets',
      paths: [
        '/var/run/docker.sock',
        '/run/user/1000/podman/podman.sock',
        '/run/user/1000/docker.sock',
        '/run/podman/podman.sock',
      ],
    })
  })

  test.each`
    host                   | port    | tls
    ${'tcp://engine'}      | ${2375} | ${null}
    ${'tcp://engine:9000'} | ${9000} | ${null}
    ${'tcp://engine:2376'} | ${2376} | ${{ ca: null, cert: null, key: null }}
    ${'https://engine'}    | ${2376} | ${{ ca: null, cert: null, key: null }}
  `('at $host port $port', ({ host, port, tls }) => {
    expect(engineOf({ host })).toEqual({ kind: 'tcp', host: 'engine', port, tls })
  })

  test('spoken to over TLS where files for it are named', () => {
    const files = { ca_file: 'ca.pem', cert_file: 'cert.pem', key_file: 'key.pem' }
    const { options, secrets } = read({ host: 'tcp://engine', ...files })
    expect(options?.engine).toMatchObject({ port: 2376, tls: { key: expect.stringContaining('PRIVATE KEY') } })
    expect(secrets.map((secret) => secret.reveal()).join()).toContain(canary)
    expect(engineOf({ host: 'tcp://engine:9000', ...files })).toMatchObject({ port: 9000 })
  })
})

test('the rest is read as it is written', () => {
  const { options } = read({
    image: 'runner:1',
    pull: 'always',
    registry: { host: 'registry.example', user: 'ci', password: canary },
    dind: true,
    volumes: ['cache:/var/cache', '/srv/tools:/tools:ro'],
    ulimits: { nofile: 4096, nproc: '512:1024' },
  })
  expect(options).toMatchObject({
    image: 'runner:1',
    pull: 'always',
    registry: { host: 'registry.example', user: 'ci' },
    dind: 'docker:dind',
    ulimits: [
      { name: 'nofile', soft: 4096, hard: 4096 },
      { name: 'nproc', soft: 512, hard: 1024 },
    ],
  })
  expect(read({ dind: 'docker:28-dind' }).options?.dind).toBe('docker:28-dind')
})

describe('refused is', () => {
  test.each`
    written                                           | problem
    ${{ host: 'ssh://engine' }}                       | ${/^host: expected unix:/}
    ${{ host: 'tcp://engine:99999' }}                 | ${/^host: /}
    ${{ key_file: 'ca.pem' }}                         | ${/^key_file: .*no private key in it/}
    ${{ key_file: 'nowhere.pem' }}                    | ${/^key_file: .*ENOENT/}
    ${{ pull: 'sometimes' }}                          | ${/^pull: /}
    ${{ volumes: ['./here:/there'] }}                 | ${/^volumes\.0: .*absolute/}
    ${{ volumes: ['cache'] }}                         | ${/^volumes\.0: /}
    ${{ networks: 'ci' }}                             | ${/^networks: expected a list/}
    ${{ dind: 3 }}                                    | ${/^dind: /}
    ${{ ulimits: { nofile: 'many' } }}                | ${/^ulimits\.nofile: /}
    ${{ registry: { host: 'r.example', user: 'u' } }} | ${/^registry\.password: /}
    ${{ images: 'runner:1' }}                         | ${/^images: .*did you mean "image"/}
  `('$written', ({ written, problem }) => {
    expect(read(written).problems).toEqual([expect.stringMatching(problem)])
  })

  test('a $DOCKER_HOST that is not understood, without showing it', () => {
    const { problems } = read({}, { DOCKER_HOST: `ssh://user:${canary}@engine` })
    expect(problems).toEqual([expect.stringContaining('$DOCKER_HOST')])
    expect(problems.join()).not.toContain(canary)
  })
})
