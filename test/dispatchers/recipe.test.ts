import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import { environment, recipe } from '../../src/dispatchers/recipe.ts'
import { aCredential, aRequest, canary } from './contract.ts'

const folder = '/srv/d1'
const forgejo = aCredential()
const shared = (forge: 'forgejo' | 'gitea'): Credential => ({
  kind: 'registration-token',
  forge,
  url: 'https://git.example',
  token: canary,
})
const jit: Credential = { kind: 'jit', url: 'https://github.com/acme', config: canary }

test('a runner of Forgejo 15 runs one job, bound to its handle, with the token in a file', () => {
  const made = recipe(aRequest({ labels: ['a:host', 'b'] }), { ...forgejo, handle: 'h-1' } as Credential, null, folder)
  expect(made.programs).toEqual(['forgejo-runner'])
  expect(made.args).toEqual([
    'one-job',
    '--config=/srv/d1/settings.yaml',
    '--url=http://127.0.0.1:3000',
    '--uuid=6a1c1a1e-5a5e-4a51-9e2f-0d4e5d0c1b2a',
    '--token-url=file:/srv/d1/token',
    '--label=a:host',
    '--label=b',
    '--handle=h-1',
    '--wait',
  ])
  expect(made.files).toMatchObject({ token: canary })
})

test('without a handle none is named', () => {
  expect(recipe(aRequest(), forgejo, null, folder).args.join(' ')).not.toContain('--handle')
})

test('a runner of Forgejo 14 is told the token on standard input', () => {
  const made = recipe(aRequest({ name: 'muster-1', labels: ['a:host', 'b'] }), shared('forgejo'), null, folder)
  expect(made.registration).toEqual({
    args: ['register'],
    input: `https://git.example\n${canary}\nmuster-1\na:host,b\n`,
    env: {},
  })
  expect(made.args).toEqual(['one-job', '--config=/srv/d1/settings.yaml', '--wait'])
})

test('a runner of Gitea registers for one job, in the way of old and of new versions', () => {
  const made = recipe(aRequest({ name: 'muster-1', labels: ['a:host', 'b'] }), shared('gitea'), null, folder)
  expect(made.programs).toEqual(['gitea-runner', 'act_runner'])
  expect(made.registration).toEqual({
    args: ['register', '--ephemeral', '--instance=https://git.example', '--name=muster-1', '--labels=a:host,b'],
    input: `${canary}\n`,
    env: { GITEA_RUNNER_REGISTRATION_TOKEN: canary },
  })
  expect(made.args).toEqual(['daemon', '--config=/srv/d1/settings.yaml', '--once'])
})

test('a runner of GitHub finds its configuration in the environment', () => {
  const made = recipe(aRequest(), jit, null, folder)
  expect(made).toMatchObject({ programs: ['run.sh'], args: [], env: { ACTIONS_RUNNER_INPUT_JITCONFIG: canary } })
})

test("a command of the user's own gets the credential in a file", () => {
  const made = recipe(aRequest(), shared('gitea'), ['/opt/start', '--now'], folder)
  expect(made).toMatchObject({ programs: ['/opt/start'], args: ['--now'], registration: null })
  expect(made.env.MUSTER_CREDENTIAL_FILE).toBe('/srv/d1/credential.json')
  expect(JSON.parse(made.files['credential.json'] ?? '')).toEqual(shared('gitea'))
})

test("GitHub's configuration is in the environment of a command of the user's own too", () => {
  expect(recipe(aRequest(), jit, ['/opt/start'], folder).env.ACTIONS_RUNNER_INPUT_JITCONFIG).toBe(canary)
})

describe('no argument is ever a secret:', () => {
  test.each([forgejo, shared('forgejo'), shared('gitea'), jit])('$kind $forge', (credential) => {
    for (const command of [null, ['/opt/start']]) {
      const { args, registration } = recipe(aRequest(), credential, command, folder)
      expect([...args, ...(registration?.args ?? [])].join(' ')).not.toContain(canary)
    }
  })
})

// reliability.md R11: labels and names come from outside, and reach a command line.
describe('hostile labels stay one argument, or are refused:', () => {
  test.each(['$(id)', ';id', '-v/:/h', '`id`', "' || id"])('%s', (label) => {
    expect(recipe(aRequest({ labels: [label] }), forgejo, null, folder).args).toContain(`--label=${label}`)
    expect(recipe(aRequest({ labels: [label] }), shared('gitea'), null, folder).registration?.args).toContain(
      `--labels=${label}`,
    )
  })
  test.each(['forgejo', 'gitea'] as const)('a newline would answer the next question of %s', (forge) => {
    expect(() => recipe(aRequest({ labels: ['a\nb'] }), shared(forge), null, folder)).toThrow(/control character/)
  })
  test.each(['forgejo', 'gitea'] as const)('a comma would make two labels on %s', (forge) => {
    expect(() => recipe(aRequest({ labels: ['a,b'] }), shared(forge), null, folder)).toThrow(/"a,b" has a comma/)
  })
})

const surroundings = (env: Record<string, string>, options: Record<string, string> = {}) =>
  environment(
    aRequest({ env, image: 'node:26', job: null }),
    { recipe: recipe(aRequest(), jit, null, folder), options, instanceUrl: jit.url, folder },
    { PATH: '/usr/bin' },
  )

test('the environment is small, and tells a command all it needs', () => {
  const env = surroundings({})
  expect(env).toEqual({
    PATH: '/usr/bin',
    LANG: 'C.UTF-8',
    HOME: folder,
    TMPDIR: '/srv/d1/tmp',
    MUSTER_RUNNER_NAME: expect.stringMatching(/^muster-/),
    MUSTER_RUNNER_LABELS: 'linux:host',
    MUSTER_DISPATCH: expect.any(String),
    MUSTER_INSTANCE: 'main',
    MUSTER_JOB: '',
    MUSTER_FORGE_URL: 'https://github.com/acme',
    MUSTER_MACHINE_TYPE: '',
    MUSTER_IMAGE: 'node:26',
    ACTIONS_RUNNER_INPUT_JITCONFIG: canary,
  })
})

test("a target's variables go before the dispatcher's", () => {
  expect(surroundings({ CACHE: 'target' }, { CACHE: 'dispatcher', PROXY: 'p' })).toMatchObject({
    CACHE: 'target',
    PROXY: 'p',
  })
})

// The ancestor let a request override the token and the forge's address (seed-systems.md B20).
test('nothing overrides what we tell', () => {
  const env = surroundings({ MUSTER_FORGE_URL: 'http://elsewhere', ACTIONS_RUNNER_INPUT_JITCONFIG: 'another' })
  expect(env).toMatchObject({ MUSTER_FORGE_URL: 'https://github.com/acme', ACTIONS_RUNNER_INPUT_JITCONFIG: canary })
})
