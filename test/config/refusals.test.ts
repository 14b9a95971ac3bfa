import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigInvalid } from '../../src/config/invalid.ts'
import { loadConfig } from '../../src/config/load.ts'
import { aFolder, refusal, refused, yaml } from './written.ts'

test.each`
  lines                                                                                                  | problem
  ${{ top: ['lisen: ":1"'] }}                                                                            | ${'6:1 lisen: expected a known key, found "lisen", did you mean "listen"?'}
  ${{ top: ['listen: 8090'] }}                                                                           | ${'6:1 listen: expected an address such as ":8090", "127.0.0.1:8091" or "[::1]:80", found 8090, write ":8090"'}
  ${{ top: ['listen: "::1:80"'] }}                                                                       | ${'6:1 listen: expected an address such as ":8090", "127.0.0.1:8091" or "[::1]:80", found "::1:80"'}
  ${{ top: ['listen: ":70000"'] }}                                                                       | ${'6:1 listen: expected an address such as ":8090", "127.0.0.1:8091" or "[::1]:80", found ":70000"'}
  ${{ top: ['max_body: 2 potatoes'] }}                                                                   | ${'6:1 max_body: expected a size from 1024 to 67108864 bytes, such as 1MiB, found "2 potatoes"'}
  ${{ top: ['owner: abcdefghijklmnopqrstuvwx'] }}                                                        | ${'6:1 owner: expected a word of 1 to 23 characters (a runner is called <owner>-<16 characters>, at most 40 in all), found "abcdefghijklmnopqrstuvwx"'}
  ${{ top: ['dry_run: "yes"'] }}                                                                         | ${'6:1 dry_run: expected true or false, found "yes", write it so, without quotes'}
  ${{ top: ['admin: { listen: ":9000" }'] }}                                                             | ${'6:1 admin.tokens: expected at least one token, because admin.listen is not a loopback address, found nothing'}
  ${{ top: ['admin: { listen: "127.0.0.1:8090" }'] }}                                                    | ${'6:10 admin.listen: expected another port than that of listen, found 8090 for both'}
  ${{ top: ['admin: { tokens: [{ name: a, role: root, token: t-of-admin }] }'] }}                        | ${'6:30 admin.tokens[0].role: expected read, operate, admin, found "root"'}
  ${{ top: ['state: "mysql://h/db"'] }}                                                                  | ${'6:1 state: expected sqlite:PATH or postgres://…, found another text, such as sqlite:muster.db or sqlite:/var/lib/muster/muster.db'}
  ${{ top: ['state: "postgres://muster:s3cr3t-pw@h"'] }}                                                 | ${'6:1 state: expected a URL such as postgres://user:password@host/database, found one that names no database'}
  ${{ top: ['state: "postgres:h/db"'] }}                                                                 | ${'6:1 state: expected a URL such as postgres://user:password@host/database, found a text that is none'}
  ${{ instance: ['poll_interval: -5s'] }}                                                                | ${'6:5 instances[0].poll_interval: expected a duration such as 500ms, 30s, 5m or 2h, 0 or more, found "-5s"'}
  ${{ instance: ['poll_interval: -5'] }}                                                                 | ${'6:5 instances[0].poll_interval: expected a duration such as 500ms, 30s, 5m or 2h, 0 or more, found -5'}
  ${{ instance: ['reconcile_interval: "30"'] }}                                                          | ${'6:5 instances[0].reconcile_interval: expected a duration such as 500ms, 30s, 5m or 2h, 0 or more, found "30", a text needs a unit'}
  ${{ instance: ['webhook_grace: 30 s'] }}                                                               | ${'6:5 instances[0].webhook_grace: expected a duration such as 500ms, 30s, 5m or 2h, 0 or more, found "30 s", without spaces'}
  ${{ instance: ['disable_polling: true'] }}                                                             | ${'2:5 instances[0].webhook_secret: expected a secret, because disable_polling is true, found nothing, make one with: openssl rand -hex 32'}
  ${{ instance: ['webhook: { url: "https://m.example.org/webhook/main" }'] }}                            | ${'2:5 instances[0].webhook_secret: expected a secret, because webhook.url is set, found nothing, make one with: openssl rand -hex 32'}
  ${{ instance: ['webhook: { event: [push] }'] }}                                                        | ${'6:16 instances[0].webhook.event: expected a known key, found "event", did you mean "events"?'}
  ${{ instance: ['github: { token: t-of-github }'] }}                                                    | ${'6:5 instances[0].github: expected exactly one of forgejo, gitea, github, github_scale_set, found forgejo and github'}
  ${{ forge: 'github_scale_set: { base_url: x }' }}                                                      | ${'3:5 instances[0].github_scale_set: not supported yet: github_scale_set; use github'}
  ${{ forge: 'dry_run: true' }}                                                                          | ${'2:5 instances[0]: expected one of forgejo, gitea, github, github_scale_set, found none of them'}
  ${{ forge: 'github: { app_id: 7, private_key_file: key.pem }' }}                                       | ${'3:26 instances[0].github.private_key_file: expected the path of a file that holds the secret, found none that can be read (ENOENT)'}
  ${{ forge: 'github: { app_id: 7, private_key: nonsense }' }}                                           | ${'3:26 instances[0].github.private_key: expected a secret, found no RSA private key in PEM form, without a passphrase'}
  ${{ forge: 'github: { app_id: 7, token: t-of-github }' }}                                              | ${'3:15 instances[0].github.app_id: expected either a token or a GitHub App, found token and app_id'}
  ${{ forge: 'github: { app_id: 7 }' }}                                                                  | ${'3:5 instances[0].github.private_key: expected private_key, private_key_env, private_key_file, private_key_credential, found nothing'}
  ${{ forge: 'github: { installation_id: 8 }' }}                                                         | ${'3:5 instances[0].github.app_id: expected the app id or client id of the GitHub App, found nothing'}
  ${{ forge: 'github: { app_id: my-app, private_key: nonsense }' }}                                      | ${'3:15 instances[0].github.app_id: expected the app id or client id of the GitHub App, found "my-app"'}
  ${{ forge: 'github: { base_url: "https://github.com" }' }}                                             | ${'3:5 instances[0].github.token: expected token, token_env, token_file, token_credential, or app_id and private_key_file of a GitHub App, found nothing'}
  ${{ forge: 'gitea: { token: t-of-gitea }' }}                                                           | ${'3:5 instances[0].gitea.base_url: expected a URL such as https://git.example.org, found nothing'}
  ${{ forge: 'gitea: { token: t-of-gitea, base_url: "ftp://x" }' }}                                      | ${'3:33 instances[0].gitea.base_url: expected a URL such as https://git.example.org, found a text that is none, it begins with https:// or http://'}
  ${{ scope: '{ level: repository, owner: acme }' }}                                                     | ${'4:5 instances[0].scope.name: expected the name of the repository, because the level is repository, found nothing'}
  ${{ scope: '{ level: organization }' }}                                                                | ${'4:5 instances[0].scope.owner: expected the owner, because the level is organization, found nothing'}
  ${{ scope: '{ level: organization, owner: acme/site }' }}                                              | ${'4:35 instances[0].scope.owner: expected the name of an owner or a repository, without a slash, found "acme/site"'}
  ${{ scope: '{ level: enterprise, owner: acme }' }}                                                     | ${'4:14 instances[0].scope.level: expected repository, organization, user, instance, which forgejo has, found "enterprise"'}
  ${{ scope: '{ level: organisation, owner: acme }' }}                                                   | ${'4:14 instances[0].scope.level: expected repository, organization, user, instance, enterprise, found "organisation", did you mean "organization"?'}
  ${{ target: ['labels: []'] }}                                                                          | ${'6:9 instances[0].targets[0].labels: expected at least one label, found an empty list'}
  ${{ target: ['labels: [linux, ""]'] }}                                                                 | ${'6:25 instances[0].targets[0].labels[1]: expected a label of 1 to 256 characters, found ""'}
  ${{ target: ['labels: [linux, 22]'] }}                                                                 | ${'6:25 instances[0].targets[0].labels[1]: expected a label of 1 to 256 characters, found 22, put it in quotes'}
  ${{ target: ['labels: linux'] }}                                                                       | ${'6:9 instances[0].targets[0].labels: expected a list of labels, found "linux"'}
  ${{ target: ['labels: [a]', 'min_idle: 3', 'max: 2'] }}                                                | ${'7:9 instances[0].targets[0].min_idle: expected at most max (2), found 3, raise max or lower min_idle'}
  ${{ target: ['labels: [a]', 'max: ten'] }}                                                             | ${'7:9 instances[0].targets[0].max: expected a whole number from 1 to 10000, found "ten"'}
  ${{ target: ['labels: [a]', 'min_idle: -1'] }}                                                         | ${'7:9 instances[0].targets[0].min_idle: expected a whole number of 0 or more, found -1'}
  ${{ target: ['labels: [a]', 'boot_timeout: 0s'] }}                                                     | ${'7:9 instances[0].targets[0].boot_timeout: expected a duration such as 500ms, 30s, 5m or 2h, above 0, found "0s"'}
  ${{ target: ['labels: [a]', 'match_unlabelled: true'] }}                                               | ${'7:9 instances[0].targets[0].match_unlabelled: expected false on Forgejo, which runs no job without labels, found true'}
  ${{ target: ['labels: [a]', 'fallback: b'] }}                                                          | ${'7:9 instances[0].targets[0].fallback: expected a list of names of dispatchers, found "b", such as [cloud]'}
  ${{ target: ['labels: [a]', 'allow_repos: [acme]'] }}                                                  | ${'7:23 instances[0].targets[0].allow_repos[0]: expected a repository as owner/name, in which * stands for anything, found "acme", such as "hackclub/*"'}
  ${{ target: ['labels: [a]', 'schedule: [{ cron: "@daily", min_idle: 1 }]'] }}                          | ${'7:22 instances[0].targets[0].schedule[0].cron: expected a cron pattern of five fields, such as "0 8 * * 1-5", found "@daily"'}
  ${{ target: ['labels: [a]', 'schedule: [{ cron: "61 * * * *", min_idle: 1 }]'] }}                      | ${'7:22 instances[0].targets[0].schedule[0].cron: expected a cron pattern of five fields, found "61 * * * *", Invalid value for minute: 61'}
  ${{ target: ['labels: [a]', 'schedule: [{ cron: "* * * * *", timezone: Mars/Base, min_idle: 30 }]'] }} | ${'7:41 instances[0].targets[0].schedule[0].timezone: expected the name of a time zone, such as Europe/Berlin, found "Mars/Base"'}
  ${{ target: ['labels: [a]', 'env: { A: 1 }'] }}                                                        | ${'7:16 instances[0].targets[0].env.A: expected a text, found a number, put it in quotes'}
  ${{ target: ['labels: [a]', 'min_idel: 1'] }}                                                          | ${'7:9 instances[0].targets[0].min_idel: expected a known key, found "min_idel", did you mean "min_idle"?'}
`('refused at $problem', ({ lines, problem }) => {
  expect(refused(yaml(lines))[0]).toBe(`autoscaler.yaml:${problem}`)
})

test('min_idle of a schedule stays within max', () => {
  const lines = { target: ['labels: [a]', 'max: 2', 'schedule: [{ cron: "* * * * *", min_idle: 3 }]'] }
  expect(refused(yaml(lines))).toEqual([
    'autoscaler.yaml:8:41 instances[0].targets[0].schedule[0].min_idle: expected at most max (2), found 3, raise max or lower min_idle',
  ])
})

test('two instances of one name are refused with both places', () => {
  expect(refused(`${yaml()}${yaml().replace('instances:\n', '')}`)).toEqual([
    'autoscaler.yaml:6:5 instances[1].name: expected a name of its own, found "main" again, the first is on line 2',
  ])
})

test('a key that stands twice is refused with both places', () => {
  expect(refused(yaml({ instance: ['dry_run: true', 'dry_run: false'] }))).toEqual([
    'autoscaler.yaml:7:5 instances[0].dry_run: expected each key once, found it again, the first is on line 6',
  ])
})

test('every problem is told at once, in the order of the file, also several in one mapping', () => {
  const text = `
owner: "not an owner"
instances:
  - name: one
    forgejo:
      base_url: git.example.org
      tokn: my-token-of-one
    scope: { level: repo }
    disable_polling: 1
    targets:
      - labels: [""]
        min_idle: 5
        max: 2
        ttl: soon
  - name: one
    github: { token: t-of-github }
    scope: { level: user, owner: acme }
    poll_interval: [30s]
    targets: []
    targets: []
    dispatcher: nowhere
`
  expect(refusal(text).problems.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
    '2:1 owner',
    '5:5 instances[0].forgejo.token',
    '6:7 instances[0].forgejo.base_url',
    '7:7 instances[0].forgejo.tokn',
    '8:14 instances[0].scope.level',
    '9:5 instances[0].disable_polling',
    '11:18 instances[0].targets[0].labels[0]',
    '12:9 instances[0].targets[0].min_idle',
    '14:9 instances[0].targets[0].ttl',
    '15:5 instances[1].name',
    '17:14 instances[1].scope.level',
    '18:5 instances[1].poll_interval',
    '20:5 instances[1].targets',
    '20:5 instances[1].targets',
    '21:5 instances[1].dispatcher',
  ])
})

test.each`
  what                     | text                                 | problem
  ${'nothing'}             | ${''}                                | ${'1:1: expected a configuration, found nothing'}
  ${'only comments'}       | ${'# nothing\n'}                     | ${'1:1: expected a configuration, found nothing'}
  ${'a text'}              | ${'hello'}                           | ${'1:1: expected a mapping, found a text'}
  ${'a list'}              | ${'- a'}                             | ${'1:1: expected a mapping, found a list'}
  ${'a tab'}               | ${'admin:\n\tlisten: x'}             | ${'2:1: expected spaces as indentation, found a tab'}
  ${'two documents'}       | ${'a: 1\n---\nb: 2'}                 | ${'2:1: expected one YAML document, found another one after ---'}
  ${'an open quote'}       | ${'owner: "x'}                       | ${'1:10: expected another character, found that a quote, a bracket, a comma or a colon is missing'}
  ${'two colons'}          | ${'owner: a: b'}                     | ${'1:8: expected one key on a line, found a second colon, put a text with ": " in it in quotes'}
  ${'a tag'}               | ${'owner: !x y'}                     | ${'1:8: expected a plain value, found a tag, put a text that begins with ! in quotes'}
  ${'an alias of nothing'} | ${'owner: *x'}                       | ${'1:8 owner: expected a value, found an alias of an anchor that does not exist, put a text that begins with * in quotes'}
  ${'a number as a key'}   | ${'1: x'}                            | ${'1:1: expected a text as the key, found something else, put it in quotes'}
  ${'a list as a key'}     | ${'? [a]\n: b'}                      | ${'1:3: expected a text as the key, found something else, put it in quotes'}
  ${'a merge key'}         | ${'<<: { owner: x }\ninstances: []'} | ${'1:1 …: expected a known key, found one that is no word, known here: listen, max_body, admin, state, owner, dry_run, watch, dispatcher, dispatchers, instances, dispatcher_api'}
`('a file that holds $what is refused', ({ text, problem }) => {
  expect(refused(text)[0]).toBe(`autoscaler.yaml:${problem}`)
})

test('aliases that multiply are refused', () => {
  const rows = Array.from(
    { length: 8 },
    (_, row) =>
      `a${row}: &a${row} [${Array(9)
        .fill(row === 0 ? 'x' : `*a${row - 1}`)
        .join(', ')}]`,
  )
  expect(refused(rows.join('\n'))).toEqual([
    'autoscaler.yaml:1:1: expected at most 100 uses of what stands behind aliases, found more',
  ])
})

test('an alias that is used is no mistake, and a mistake in it is told where it stands', () => {
  const text = yaml({ top: ['dispatchers:', '  a: &a { kind: process, timout: 3s }', '  default: *a'] })
  expect(refusal(text).problems.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual([
    '7:26 dispatchers.a.timout',
    '7:26 dispatchers.default.timout',
  ])
})

test('keys that every object has are unknown like any other', () => {
  const text = yaml({ top: ['__proto__: { dry_run: true }', 'constructor: x', 'toString: x'] })
  expect(refusal(text).problems.map(({ path }) => path)).toEqual(['__proto__', 'constructor', 'toString'])
})

test('a file that is nested too deeply is refused', () => {
  expect(refused('['.repeat(100_000))[0]).toContain('expected a configuration, found values nested too deeply')
})

test('a file that is not UTF-8 is refused', () => {
  expect(refused(new Uint8Array([0xff, 0xfe, 0x61]))).toEqual([
    'autoscaler.yaml:1:1: expected text in UTF-8, found other bytes, save it as UTF-8',
  ])
})

test('a file of more than 1 MiB is refused', () => {
  expect(refused('#'.repeat(1_048_577))).toEqual([
    'autoscaler.yaml:1:1: expected a file of at most 1 MiB, found 1048577 bytes',
  ])
})

test('a file that is missing or a directory is refused by its name', () => {
  const folder = aFolder()
  const missing = join(folder, 'missing.yaml')
  expect(() => loadConfig(missing, {})).toThrow(ConfigInvalid)
  expect(() => loadConfig(missing, {})).toThrow(
    `${missing}:1:1: expected a file, found none, name it with --config FILE`,
  )
  mkdirSync(join(folder, 'sub'))
  expect(() => loadConfig(join(folder, 'sub'), {})).toThrow('expected a file, found a directory')
})

test.skipIf(process.getuid?.() === 0)('a file that may not be read is refused', () => {
  const file = join(aFolder(), 'closed.yaml')
  writeFileSync(file, yaml())
  chmodSync(file, 0)
  expect(() => loadConfig(file, {})).toThrow('found no permission to read it')
})
