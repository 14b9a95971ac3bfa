import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { load, yaml } from './written.ts'

const ancestor = resolve(import.meta.dirname, 'ancestor.yaml')
const example = resolve(import.meta.dirname, '../../autoscaler.example.yaml')
const minutes = 60_000

test("the ancestor's file means what it says", () => {
  const config = loadConfig(ancestor, {})
  expect(config).toMatchObject({
    listen: { host: '', port: 8090 },
    admin: { listen: { host: '127.0.0.1', port: 8091 }, tokens: [] },
    maxBody: 1_048_576,
    state: { kind: 'sqlite', path: 'muster.db' },
    owner: 'muster',
    dryRun: false,
  })
  const [instance] = config.instances
  expect(config.instances).toHaveLength(1)
  expect(instance).toMatchObject({
    name: 'burrow',
    forge: { kind: 'forgejo' },
    scope: { level: 'repository', owner: 'hackclub', name: 'burrow' },
    disablePolling: true,
    pollInterval: 30_000,
    reconcileInterval: 5 * minutes,
    webhookGrace: 60_000,
    webhook: {
      url: 'https://nsc-autoscaler.burrow.net/webhook/burrow',
      contentType: 'json',
      events: ['workflow_job'],
      active: true,
    },
  })
  expect(instance?.forge.options.baseUrl.href).toBe('https://git.burrow.net/')
  expect(instance?.forge.options.token.reveal()).toBe('PENDING-FORGEJO-PAT')
  expect(instance?.secrets.map((secret) => secret.reveal())).toEqual(['supersecret'])
  expect(
    instance?.targets.map(({ name, ttl, minIdle, max, machineType }) => ({ name, ttl, minIdle, max, machineType })),
  ).toEqual([
    { name: 'namespace-profile-linux-medium', ttl: 20 * minutes, minIdle: 0, max: 20, machineType: null },
    { name: 'namespace-profile-macos-large', ttl: 90 * minutes, minIdle: 0, max: 20, machineType: '6x14' },
    {
      name: 'namespace-profile-windows-large',
      ttl: 45 * minutes,
      minIdle: 0,
      max: 20,
      machineType: 'windows/amd64:8x16',
    },
  ])
})

test("all targets of the ancestor's file run on its one dispatcher, which is of the kind http", () => {
  const { dispatchers, instances } = loadConfig(ancestor, {})
  expect([...dispatchers.keys()]).toEqual(['default'])
  expect(dispatchers.get('default')).toMatchObject({
    settings: { kind: 'http', options: { url: new URL('http://dispatcher:8080'), token: null, idempotent: false } },
    timeout: 15_000,
    launchConcurrency: 8,
    maxParallel: null,
    onShutdown: 'close',
  })
  expect(instances[0]?.targets.map(({ dispatcher }) => dispatcher)).toEqual(['default', 'default', 'default'])
})

test('the example loads without any environment', () => {
  const { instances } = loadConfig(example, {})
  expect(instances.length).toBeGreaterThan(0)
})

test('the example loads as well when all its commented keys are put to use', () => {
  const text = readFileSync(example, 'utf8').replaceAll(/^( *)#: /gm, '$1')
  expect(text).not.toMatch(/^ *#:/m)
  const environment = {
    FORGEJO_TOKEN: 'token-of-forgejo',
    GITHUB_TOKEN: 'token-of-github',
    DISPATCHER_TOKEN: 'token-of-dispatcher',
  }
  expect(load(text, environment).instances.length).toBeGreaterThan(1)
})

test('what is left out has its usual value', () => {
  const [instance] = load(yaml()).instances
  expect(instance).toMatchObject({
    disablePolling: false,
    pollInterval: 30_000,
    reconcileInterval: 300_000,
    webhookGrace: 60_000,
    secrets: [],
    webhook: null,
    dryRun: false,
  })
  expect(instance?.targets).toEqual([
    {
      name: 'linux',
      labels: ['linux'],
      offers: ['linux'],
      dispatcher: 'process',
      fallback: [],
      minIdle: 0,
      schedule: [],
      max: 20,
      ttl: 60 * minutes,
      bootTimeout: 5 * minutes,
      idleTimeout: 5 * minutes,
      priority: 0,
      matchUnlabelled: false,
      allowRepos: [],
      machineType: null,
      image: null,
      env: {},
    },
  ])
})

test('max is at least min_idle when nobody gives it', () => {
  const [instance] = load(yaml({ target: ['labels: [linux]', 'min_idle: 35'] })).instances
  expect(instance?.targets[0]).toMatchObject({ minIdle: 35, max: 35 })
})

test('a key without a value counts as left out, and so does an empty text where the ancestor allowed one', () => {
  const config = load(
    yaml({ instance: ['poll_interval:', 'webhook_secret: ""', 'webhook: { url: "", events: [] }', 'dispatcher:'] }),
  )
  expect(config.instances[0]).toMatchObject({ pollInterval: 30_000, secrets: [], webhook: null })
})

test('0 for a poll_interval, a timeout or a ttl means the usual one, as with the ancestor', () => {
  const config = load(
    yaml({
      target: ['labels: [linux]', 'ttl: 0'],
      instance: ['poll_interval: 0'],
      top: ['dispatcher: { url: "http://d:1", timeout: 0s }'],
    }),
  )
  expect(config.instances[0]).toMatchObject({ pollInterval: 30_000, targets: [{ ttl: 60 * minutes }] })
  expect(config.dispatchers.get('default')?.timeout).toBe(15_000)
})

test('a byte order mark and Windows line ends change nothing', () => {
  expect(load(`\uFEFF${yaml().replaceAll('\n', '\r\n')}`).instances[0]?.name).toBe('main')
})

test('labels with schemes are dispatched as written and compared without them on Forgejo', () => {
  const [instance] = load(yaml({ target: ['labels: ["ubuntu-22.04:docker://node:20", "self:host"]'] })).instances
  expect(instance?.targets[0]).toMatchObject({
    name: 'ubuntu-22.04+self',
    labels: ['ubuntu-22.04:docker://node:20', 'self:host'],
    offers: ['ubuntu-22.04', 'self'],
  })
})

test('a GitHub target offers self-hosted besides its own labels, in lower case, and is called by its own', () => {
  const [instance] = load(yaml({ forge: 'github: { token: t-of-github }', target: ['labels: [Linux, X64]'] })).instances
  expect(instance?.targets[0]).toMatchObject({ name: 'Linux+X64', offers: ['linux', 'x64', 'self-hosted'] })
})

test('targets with the same labels are told apart by a number, and never take a given name', () => {
  const text = yaml({ target: ['labels: [linux]', 'name: linux-2'] }).concat(
    '      - labels: [linux]\n      - labels: [linux]\n',
  )
  expect(load(text).instances[0]?.targets.map(({ name }) => name)).toEqual(['linux-2', 'linux', 'linux-3'])
})

test('a schedule and the repositories of a target are kept as written', () => {
  const [instance] = load(
    yaml({
      target: [
        'labels: [linux]',
        'schedule: [{ cron: "0 8 * * 1-5", timezone: Europe/Berlin, min_idle: 3 }, { cron: "*/5 * * * *", min_idle: 0 }]',
        'allow_repos: ["acme/*", "*/infra"]',
        'priority: -2',
      ],
    }),
  ).instances
  expect(instance?.targets[0]).toMatchObject({
    schedule: [
      { cron: '0 8 * * 1-5', timezone: 'Europe/Berlin', minIdle: 3 },
      { cron: '*/5 * * * *', timezone: null, minIdle: 0 },
    ],
    allowRepos: ['acme/*', '*/infra'],
    priority: -2,
  })
})

test('dry_run holds for all instances, or for the one that says so', () => {
  expect(load(yaml({ top: ['dry_run: true'] })).instances[0]?.dryRun).toBe(true)
  expect(load(yaml({ instance: ['dry_run: true'] }))).toMatchObject({ dryRun: false, instances: [{ dryRun: true }] })
})

test.each`
  written             | listen
  ${'":8090"'}        | ${{ host: '', port: 8090 }}
  ${'127.0.0.1:8091'} | ${{ host: '127.0.0.1', port: 8091 }}
  ${'"[::1]:80"'}     | ${{ host: '::1', port: 80 }}
  ${'localhost:0'}    | ${{ host: 'localhost', port: 0 }}
`('listen: $written is understood', ({ written, listen }) => {
  expect(load(yaml({ top: [`listen: ${written}`] })).listen).toEqual(listen)
})

test("the dashboard gives way when the public listener has its usual port, so that the ancestor's file runs", () => {
  expect(load(yaml({ top: ['listen: ":8091"'] })).admin.listen).toEqual({ host: '127.0.0.1', port: 8092 })
})

test.each`
  written                             | baseUrl                      | apiUrl
  ${''}                               | ${'https://github.com/'}     | ${'https://api.github.com/'}
  ${'https://github.com/'}            | ${'https://github.com/'}     | ${'https://api.github.com/'}
  ${'https://api.github.com'}         | ${'https://github.com/'}     | ${'https://api.github.com/'}
  ${'https://acme.ghe.com'}           | ${'https://acme.ghe.com/'}   | ${'https://api.acme.ghe.com/'}
  ${'https://git.acme.org'}           | ${'https://git.acme.org/'}   | ${'https://git.acme.org/api/v3'}
  ${'https://git.acme.org/api/v3/'}   | ${'https://git.acme.org/'}   | ${'https://git.acme.org/api/v3'}
  ${'http://127.0.0.1:3000'}          | ${'http://127.0.0.1:3000/'}  | ${'http://127.0.0.1:3000/api/v3'}
  ${'https://api.acme.ghe.com'}       | ${'https://acme.ghe.com/'}   | ${'https://api.acme.ghe.com/'}
  ${'https://API.acme.org'}           | ${'https://acme.org/'}       | ${'https://api.acme.org/'}
  ${'https://acme.org/github'}        | ${'https://acme.org/github'} | ${'https://acme.org/github/api/v3'}
  ${'https://acme.org/github/api/v3'} | ${'https://acme.org/github'} | ${'https://acme.org/github/api/v3'}
  ${'https://notgithub.com'}          | ${'https://notgithub.com/'}  | ${'https://notgithub.com/api/v3'}
`('github at "$written" has its API at $apiUrl', ({ written, baseUrl, apiUrl }) => {
  const forge = `github: { token: t-of-github${written && `, base_url: "${written}"`} }`
  const options = load(yaml({ forge })).instances[0]?.forge.options
  expect(options).toMatchObject({ baseUrl: new URL(baseUrl), apiUrl: new URL(apiUrl) })
})

test('a path in a base_url is kept, a slash at its end is not', () => {
  const { instances } = load(yaml({ forge: 'gitea: { base_url: "https://acme.org/git/", token: t-of-gitea }' }))
  expect(instances[0]?.forge.options.baseUrl.href).toBe('https://acme.org/git')
})
