import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { createForge } from '../../../src/forges/index.ts'
import { Scrubber } from '../../../src/secret.ts'
import { aFolder, load, refused, yaml } from '../../config/written.ts'
import { anApp, openGithub, privateKey, walkingClock } from '../../support/github-world.ts'

/** The options of `github: { … }`, beside a file `key.pem`. */
function optionsOf(written: string, { environment = {}, key = privateKey() } = {}) {
  const folder = aFolder()
  writeFileSync(join(folder, 'key.pem'), key)
  const config = load(yaml({ forge: `github: ${written}` }), environment, folder)
  const forge = config.instances[0]?.forge
  if (forge?.kind !== 'github') throw new Error('this is no GitHub')
  return { options: forge.options, config }
}

test.each([
  ['the app id as a number', 'app_id: 12345', '12345'],
  ['the app id as a text', 'app_id: "12345"', '12345'],
  ['the client id', 'app_id: Iv23liAbCdEfGhIjKlMn', 'Iv23liAbCdEfGhIjKlMn'],
  ['an old client id', 'app_id: Iv1.8a61f9b3a7aba766', 'Iv1.8a61f9b3a7aba766'],
])('an App is written with %s and the file of its key', (_, id, read) => {
  const { options } = optionsOf(`{ ${id}, private_key_file: key.pem }`)
  expect(options.app).toMatchObject({ id: read, installation: null })
  expect(options.app?.privateKey.reveal()).toBe(privateKey().trim())
})

test('its installation may be named', () => {
  const { options } = optionsOf('{ app_id: 7, private_key_file: key.pem, installation_id: 4711 }')
  expect(options.app?.installation).toBe('4711')
})

test('what is written makes a forge that acts as the App', async () => {
  const { url, host } = await openGithub({ app: anApp(), clock: walkingClock(new Date().toISOString()) })
  const { config } = optionsOf(`{ base_url: "${url}", app_id: 7, private_key_file: key.pem }`)
  const [instance] = config.instances
  if (!instance) throw new Error('there is no instance')
  const { signal } = new AbortController()
  const scope = { level: 'organization', owner: 'harbour', name: null } as const
  const context = { instance: 'main', scope, secrets: () => [], clock: systemClock, onCall: () => undefined }
  const forge = createForge(instance.forge, { ...context, note: () => undefined })
  expect(await forge.jobs({ labels: ['linux'], only: null }, signal)).toMatchObject({ complete: true })
  expect(host.answered.filter((line) => line.endsWith('/access_tokens 201'))).toHaveLength(1)
})

test('a token is no App', () => {
  expect(optionsOf('{ token: t-of-github }').options).toMatchObject({ app: null, token: { source: 'value' } })
})

test.each([
  ['with its line breaks written out, as an environment variable holds it', privateKey().replaceAll('\n', '\\n')],
  ['with the line ends of Windows', privateKey().replaceAll('\n', '\r\n')],
])('a key %s is read like any other', (_, written) => {
  const { options } = optionsOf('{ app_id: 7, private_key_env: KEY }', { environment: { KEY: written } })
  expect(options.app?.privateKey.reveal()).toBe(privateKey().trim())
})

test('a key may stand in the configuration itself, line by line', () => {
  const lines = privateKey()
    .trim()
    .split('\n')
    .map((line) => `        ${line}`)
  const { options } = optionsOf(['', '      app_id: 7', '      private_key: |', ...lines].join('\n'))
  expect(options.app?.privateKey.reveal()).toBe(privateKey().trim())
})

const passphrase = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const

test.each([
  ['of another kind', () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
  ['with a passphrase', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(passphrase)],
  ['cut off', () => privateKey().slice(0, 200)],
])('a key %s is refused, and not shown', (_, make) => {
  const folder = aFolder()
  const pem = make().toString()
  writeFileSync(join(folder, 'key.pem'), pem)
  const problems = refused(yaml({ forge: 'github: { app_id: 7, private_key_file: key.pem }' }), {}, folder)
  expect(problems).toEqual([expect.stringContaining('found no RSA private key in PEM form, without a passphrase')])
  for (const line of pem.split('\n').filter((one) => one.length > 20)) expect(problems.join()).not.toContain(line)
})

test('a key that is replaced by a broken one stays in force', () => {
  const folder = aFolder()
  writeFileSync(join(folder, 'key.pem'), privateKey())
  const config = load(yaml({ forge: 'github: { app_id: 7, private_key_file: key.pem }' }), {}, folder)
  writeFileSync(join(folder, 'key.pem'), 'half a key')
  const forge = config.instances[0]?.forge
  expect(forge?.kind === 'github' && forge.options.app?.privateKey.reveal()).toBe(privateKey().trim())
})

test("the tokens of an App's installation are among the secrets that no log shows", () => {
  const { options, config } = optionsOf('{ app_id: 7, private_key_file: key.pem }')
  const scrubber = new Scrubber(config.secrets)
  options.app?.held.hold('ghs_the_first_one')
  options.app?.held.hold('ghs_the_second_one')
  expect(scrubber.scrub('ghs_the_first_one ghs_the_second_one')).toBe('*** ***')
  expect(options.token.reveal()).toBe('ghs_the_second_one')
})
