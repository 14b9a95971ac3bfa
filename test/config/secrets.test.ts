// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a variable is written in the configuration
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { aFolder, load, refusal, refused, yaml } from './written.ts'

const gitea = (rest: string) => `gitea: { base_url: "https://git.example.org", ${rest} }`
const tokenOf = ({ instances }: Config) => instances[0]?.forge.options.token.reveal()
const secretsOf = ({ instances }: Config) => instances[0]?.secrets.map((secret) => secret.reveal())

test.each`
  written                   | value            | source
  ${'token: plain'}         | ${'plain'}       | ${'value'}
  ${'token: "${A}"'}        | ${'from-a'}      | ${'env:A'}
  ${'token: "x-${A}-${B}"'} | ${'x-from-a-b$'} | ${'value'}
  ${'token: "pa$$word$"'}   | ${'pa$$word$'}   | ${'value'}
  ${'token: "$${A}"'}       | ${'${A}'}        | ${'value'}
  ${'token_env: A'}         | ${'from-a'}      | ${'env:A'}
`('$written gives $value', ({ written, value, source }) => {
  const config = load(yaml({ forge: gitea(written) }), { A: 'from-a', B: 'b$' })
  expect(tokenOf(config)).toBe(value)
  expect(config.instances[0]?.forge.options.token.source).toBe(source)
})

test('a secret from a file loses one line end, and a relative path begins beside the configuration', () => {
  const folder = aFolder()
  writeFileSync(join(folder, 'token'), 'from-file\r\n')
  expect(tokenOf(load(yaml({ forge: gitea('token_file: ./token') }), {}, folder))).toBe('from-file')
})

test('a secret from a file is read again when it is written, and when another file takes its place', () => {
  const folder = aFolder()
  const [file, link] = [join(folder, 'first'), join(folder, 'token')]
  writeFileSync(file, 'one')
  symlinkSync(file, link)
  const config = load(yaml({ forge: gitea(`token_file: ${link}`) }), {}, folder)
  writeFileSync(file, 'second')
  expect(tokenOf(config)).toBe('second')
  writeFileSync(join(folder, 'other'), 'thirds')
  symlinkSync(join(folder, 'other'), join(folder, 'new'))
  renameSync(join(folder, 'new'), link)
  expect(tokenOf(config)).toBe('thirds')
})

test('a secret from a file is read once more when it was refused, even where its file seems the same', () => {
  const folder = aFolder()
  const file = join(folder, 'token')
  writeFileSync(file, 'one')
  const at = statSync(file)
  const { token } = load(yaml({ forge: gitea(`token_file: ${file}`) }), {}, folder).instances[0]!.forge.options
  expect(token.reveal()).toBe('one')
  expect(token.reread()).toBe(false)
  writeFileSync(file, 'two')
  utimesSync(file, at.atime, at.mtime)
  expect(token.reread()).toBe(true)
  expect(token.reveal()).toBe('two')
})

test('while the file of a secret is gone, empty or broken, its last value stays', () => {
  const folder = aFolder()
  const file = join(folder, 'token')
  writeFileSync(file, 'good')
  const config = load(yaml({ forge: gitea(`token_file: ${file}`) }), {}, folder)
  writeFileSync(file, 'two\nlines\n')
  expect(tokenOf(config)).toBe('good')
  rmSync(file)
  expect(tokenOf(config)).toBe('good')
})

test("a secret comes from systemd's credentials", () => {
  const folder = aFolder()
  mkdirSync(join(folder, 'creds'))
  writeFileSync(join(folder, 'creds', 'forge'), 'from-systemd')
  const environment = { CREDENTIALS_DIRECTORY: join(folder, 'creds') }
  expect(tokenOf(load(yaml({ forge: gitea('token_credential: forge') }), environment, folder))).toBe('from-systemd')
})

test('a webhook secret may be a list, of which the first signs', () => {
  const text = yaml({ instance: ['webhook_secret: ["${NEW}", old-secret]', 'disable_polling: true'] })
  expect(secretsOf(load(text, { NEW: 'new-secret' }))).toEqual(['new-secret', 'old-secret'])
})

test('spaces around a token are cut, those around a webhook secret belong to it', () => {
  const config = load(yaml({ forge: gitea('token: " t "'), instance: ['webhook_secret: " s "'] }))
  expect([tokenOf(config), secretsOf(config)]).toEqual(['t', [' s ']])
})

test('a variable in a URL is put in, and encoded where it is a password', () => {
  const text = yaml({ top: ['dispatcher: { url: "http://x:${PASSWORD}@${HOST}:8080/base" }'] })
  const config = load(text, { PASSWORD: 'p@ss/word', HOST: 'dispatcher' })
  expect(config.dispatchers.get('default')?.settings.options).toMatchObject({
    url: new URL('http://x:p%40ss%2Fword@dispatcher:8080/base'),
  })
})

test('every secret is handed over for the scrubber, those in URLs as well', () => {
  const text = yaml({
    instance: ['webhook_secret: [first-secret, second-secret]'],
    top: [
      'admin: { tokens: [{ name: a, role: read, token: token-of-admin }] }',
      'dispatcher: { url: "http://x:pass%20word@d:1" }',
    ],
  })
  const values = load(text).secrets.map((secret) => secret.reveal())
  expect(values).toEqual(
    expect.arrayContaining(['token-of-main', 'first-secret', 'second-secret', 'token-of-admin', 'pass word']),
  )
})

test('a configuration that is printed shows no secret', () => {
  const config = load(yaml({ instance: ['webhook_secret: first-secret'] }))
  expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toMatch(/token-of-main|first-secret/)
})

test.each`
  written                           | problem
  ${'ca_file: null'}                | ${'3:5 instances[0].gitea.token: expected token, token_env, token_file or token_credential, found nothing'}
  ${'token: ""'}                    | ${'3:51 instances[0].gitea.token: expected token, token_env, token_file or token_credential, found nothing'}
  ${'token: 123456'}                | ${'3:51 instances[0].gitea.token: expected a secret, found a number, put it in quotes'}
  ${'token: { value: x }'}          | ${'3:51 instances[0].gitea.token: expected a secret, found a mapping'}
  ${'token: a-token, token_env: A'} | ${'3:67 instances[0].gitea.token_env: expected only one of token and token_env, found 2'}
  ${'token: "${NO}"'}               | ${'3:51 instances[0].gitea.token: expected a secret, found ${NO}, which is not set in the environment'}
  ${'token: "${EMPTY}"'}            | ${'3:51 instances[0].gitea.token: expected a secret, found ${EMPTY}, which is empty in the environment'}
  ${'token: "abc${NO"'}             | ${'3:51 instances[0].gitea.token: expected a secret, found "${" that begins no ${VARIABLE}, write $${ where it is meant literally'}
  ${'token_env: NO'}                | ${'3:51 instances[0].gitea.token_env: expected the name of an environment variable, found NO, which is not set'}
  ${'token_env: ghp_c4n4ryc4n4ry'}  | ${'3:51 instances[0].gitea.token_env: expected the name of an environment variable, found …, which is not set'}
  ${'token_file: ./none'}           | ${'3:51 instances[0].gitea.token_file: expected the path of a file that holds the secret, found none that can be read (ENOENT)'}
  ${'token_file: "."'}              | ${'3:51 instances[0].gitea.token_file: expected the path of a file that holds the secret, found something that is no file'}
  ${'token_file: ./lines'}          | ${'3:51 instances[0].gitea.token_file: expected the path of a file that holds the secret, found a line break or another control character in it'}
  ${'token_file: ./large'}          | ${'3:51 instances[0].gitea.token_file: expected the path of a file that holds the secret, found a file of 8193 bytes, at most 8192 are read'}
  ${'token_file: ./empty'}          | ${'3:51 instances[0].gitea.token_file: expected the path of a file that holds the secret, found nothing in it'}
  ${'token_credential: x'}          | ${'3:51 instances[0].gitea.token_credential: expected the name of a systemd credential, found no $CREDENTIALS_DIRECTORY, systemd sets it for LoadCredential='}
  ${'token: "tökén"'}               | ${'3:51 instances[0].gitea.token: expected a secret, found a character in it that no header can carry'}
`('$written is refused', ({ written, problem }) => {
  const folder = aFolder()
  writeFileSync(join(folder, 'lines'), 'two\nlines')
  writeFileSync(join(folder, 'large'), 'x'.repeat(8_193))
  writeFileSync(join(folder, 'empty'), '\n')
  expect(refused(yaml({ forge: gitea(written) }), { EMPTY: '' }, folder)).toEqual([`autoscaler.yaml:${problem}`])
})

test('a missing secret is told beside whatever else is wrong in the same mapping', () => {
  const text = yaml({ forge: 'gitea: { base_url: 7, tokken: x }' })
  expect(refusal(text).problems.map(({ path }) => path)).toEqual([
    'instances[0].gitea.token',
    'instances[0].gitea.base_url',
    'instances[0].gitea.tokken',
  ])
})

const canary = 'c4n4ry-0f-4-s3cr3t'

test.each([
  yaml({ forge: gitea(`token: ${canary}, token_env: X`) }),
  yaml({ forge: gitea(`tokn: ${canary}`) }),
  yaml({ forge: gitea(`{token:${canary}}`) }),
  yaml({ forge: `gitea: {token:${canary}}` }),
  yaml({ forge: gitea(`token: [${canary}]`) }),
  yaml({ forge: gitea(`token: *${canary}`) }),
  yaml({ forge: gitea(`token: !${canary} x`) }),
  yaml({ forge: gitea(`token: "${canary}\\q"`) }),
  yaml({ forge: `gitea: { base_url: "ftp://u:${canary}@host", token: x-token }` }),
  yaml({ forge: gitea(`token: ${canary}`), top: [`owner: "-${canary}"`] }),
  yaml({ top: [`dispatcher: "http://x:${canary}@d:1"`] }),
  yaml({ top: [`dispatcher: { url: "x:${canary}@d:1" }`] }),
  yaml({ top: [`state: "postgres://u:${canary}@h"`] }),
  yaml({ top: [`state: "mysql://u:${canary}@h/db"`] }),
  yaml({ instance: [`webhook_secret: { a: ${canary} }`, 'poll_interval: x'] }),
  yaml({ instance: [`webhook: { url: "${canary}" }`, 'poll_interval: x'] }),
  yaml({ target: ['labels: [a]', `env: { "A=${canary}": x }`] }),
])('a secret is not shown in the refusal of %s', (text) => {
  const { message, problems } = refusal(text)
  expect(message + JSON.stringify(problems)).not.toContain(canary)
})
