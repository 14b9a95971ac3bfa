import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { changeSentence, changesBetween, describe } from '../../src/config/changes.ts'
import { takeable } from '../../src/config/restart.ts'
import { aFolder, load } from './written.ts'

const base = {
  listen: ':8090',
  dispatchers: { default: { url: 'http://dispatcher:8080', token: 'token-of-the-cloud' } },
  instances: [
    {
      name: 'home',
      gitea: { base_url: 'https://git.example', token: 'token-of-home' },
      scope: { level: 'organization', owner: 'acme' },
      webhook_secret: 'secret-of-home',
      targets: [
        { name: 'linux', labels: ['linux'], ttl: '20m', env: { KEY: 'value-of-a-variable' } },
        { name: 'arm', labels: ['arm'] },
      ],
    },
  ],
}
type Written = typeof base

/** The configuration with a change made to a copy of it. */
function written(change: (copy: Written) => void = () => undefined) {
  const copy = structuredClone(base)
  change(copy)
  return load(JSON.stringify(copy))
}

function told(change: (copy: Written) => void): string[] {
  return changesBetween(describe(written()), describe(written(change))).map(changeSentence)
}

const home = (copy: Written) => copy.instances[0] as Record<string, unknown> & Written['instances'][0]
const target = (copy: Written, index: number) => home(copy).targets[index] as Record<string, unknown>

test('the same file is no change', () => {
  expect(told(() => undefined)).toEqual([])
})

test('numbers and switches are told with their values, everything else only by its key', () => {
  expect(
    told((copy) => {
      Object.assign(target(copy, 0), { max: 5, ttl: '1h', match_unlabelled: true, image: 'another' })
      Object.assign(home(copy), { dry_run: true, poll_interval: '10s' })
    }),
  ).toEqual([
    'instances.home.poll_interval: 30000 → 10000',
    'instances.home.dry_run: false → true',
    'instances.home.targets.linux.max: 20 → 5',
    'instances.home.targets.linux.ttl: 1200000 → 3600000',
    'instances.home.targets.linux.match_unlabelled: false → true',
    'instances.home.targets.linux.image changed',
  ])
})

test('a secret is told as changed and never shown, wherever it stands', () => {
  const sentences = told((copy) => {
    copy.dispatchers.default.token = 'next-token-of-the-cloud'
    home(copy).gitea.token = 'next-token-of-home'
    home(copy).webhook_secret = 'next-secret-of-home'
    Object.assign(target(copy, 0), { env: { KEY: 'next-value' } })
  })
  expect(sentences).toEqual([
    'dispatchers.default.token changed',
    'instances.home.webhook_secret changed',
    'instances.home.gitea.token changed',
    'instances.home.targets.linux.env changed',
  ])
})

test('what is new or gone is told as a whole', () => {
  expect(
    told((copy) => {
      home(copy).name = 'work'
      Object.assign(copy.dispatchers, { metal: { kind: 'process' } })
    }),
  ).toEqual(['instances.home removed', 'dispatchers.metal added', 'instances.work added'])
  expect(told((copy) => void home(copy).targets.pop())).toEqual(['instances.home.targets.arm removed'])
})

test('another order of targets is a change: the first that fits takes a job', () => {
  expect(told((copy) => void home(copy).targets.reverse())).toEqual(['instances.home.targets changed'])
})

test('a secret whose file was written since is told as changed', () => {
  const folder = aFolder()
  writeFileSync(join(folder, 'secret'), 'first-secret')
  const copy = structuredClone(base)
  Object.assign(home(copy), { webhook_secret: undefined, webhook_secret_file: 'secret' })
  const before = describe(load(JSON.stringify(copy), {}, folder))
  writeFileSync(join(folder, 'secret'), 'second-secret')
  const after = describe(load(JSON.stringify(copy), {}, folder))
  expect(changesBetween(before, after).map(changeSentence)).toEqual(['instances.home.webhook_secret changed'])
})

test('what a running service cannot change keeps its value and is named', () => {
  const wanted = written((copy) =>
    Object.assign(copy, {
      listen: ':9090',
      owner: 'another',
      state: 'sqlite:another.db',
      admin: { listen: '127.0.0.1:9091' },
      dispatchers: { default: { kind: 'process' }, metal: { kind: 'process' } },
    }),
  )
  const running = written()
  const { config, restartNeeded } = takeable(running, wanted)
  expect(restartNeeded).toEqual(['listen', 'admin.listen', 'state', 'owner', 'dispatchers.default.kind'])
  const { listen, owner, state, admin } = running
  expect(config).toMatchObject({ listen, owner, state, admin: { listen: admin.listen } })
  expect([...config.dispatchers.values()].map(({ settings }) => settings.kind)).toEqual(['http', 'process'])
})

test('an address that is open to others keeps its tokens until the next start', () => {
  const open = { listen: '0.0.0.0:8091', tokens: [{ name: 'ops', role: 'admin', token: 'token-of-the-operators' }] }
  const running = written((copy) => Object.assign(copy, { admin: open }))
  const { config, restartNeeded } = takeable(running, written())
  expect(config.admin.tokens.map(({ name }) => name)).toEqual(['ops'])
  expect(restartNeeded).toEqual(['admin.listen', 'admin.tokens'])
})
