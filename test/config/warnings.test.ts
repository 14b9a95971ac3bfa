// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a variable is written in the configuration
import { expect, test } from 'vitest'
import { load, yaml } from './written.ts'

const long = 'a-secret-of-more-than-24-characters'

test.each`
  lines                                                                                                         | warning
  ${{ instance: ['webhook_secret: short'] }}                                                                    | ${'main: webhook_secret (value) is shorter than 24 characters; make one with: openssl rand -hex 32'}
  ${{ instance: [`webhook_secret: "${long}$$"`] }}                                                              | ${'main: webhook_secret has $$ in it, which is taken as it stands.'}
  ${{ forge: 'gitea: { base_url: "http://git.example.org", token: t-of-gitea }' }}                              | ${'main: http://git.example.org is plain http to another host; the token can be read on the way.'}
  ${{ forge: 'gitea: { base_url: "https://u:p@git.example.org/?q", token: t-of-gitea }' }}                      | ${'https://git.example.org/: user, password, query and fragment of a base_url are not used.'}
  ${{ forge: 'gitea: { base_url: "https://git.example.org", token: CHANGE-ME }' }}                              | ${'main: its token looks like a placeholder.'}
  ${{ scope: '{ level: organization, owner: acme, name: site }' }}                                              | ${'scope.name "site" is not used at the level organization.'}
  ${{ target: ['labels: [a]', 'ttl: 2m'] }}                                                                     | ${'main/a: ttl is below boot_timeout; a runner may end before it has shown itself.'}
  ${{ target: ['labels: [a]', 'env: { A: "${B}" }'] }}                                                          | ${'main/a: env.A holds ${…}, which is not expanded there.'}
  ${{ instance: [`webhook_secret: ${long}`, 'webhook: { url: "https://m.example.org/hooks" }'] }}               | ${'main: webhook.url does not end in /webhook/main; whatever stands before the listener must lead it there.'}
  ${{ instance: ['webhook: { content_type: form }'] }}                                                          | ${'webhook.content_type form cannot be read; json is used.'}
  ${{ instance: ['poll_interval: 100ms'] }}                                                                     | ${'main: poll_interval is below 5s; the forge may limit that many requests.'}
  ${{ top: ['dispatchers: { default: { kind: process }, spare: { kind: process } }'] }}                         | ${'dispatcher spare: no target uses it.'}
  ${{ top: ['dispatcher: { url: "http://d.example.org", token: t-of-d }'] }}                                    | ${'dispatcher default: http://d.example.org is plain http to another host; its token can be read on the way.'}
  ${{ top: ['dispatcher: { url: "https://x:pw@d.example.org", token: t-of-d }'] }}                              | ${'dispatcher default: user and password of its url are not used beside a token.'}
  ${{ forge: 'gitea: { base_url: "https://169.254.169.254", token: t-of-gitea }' }}                             | ${'main: https://169.254.169.254 is where clouds keep the credentials of a machine.'}
  ${{ forge: 'gitea: { base_url: "https://[fe80::1]", token: t-of-gitea }' }}                                   | ${'main: https://[fe80::1] is where clouds keep the credentials of a machine.'}
  ${{ instance: [`webhook_secret: ${long}`, 'webhook: { url: "http://m.example.org/webhook/main" }'] }}         | ${'main: webhook.url is plain http to another host; what the forge sends can be read on the way.'}
  ${{ instance: [`webhook_secret: ${long}`, 'disable_polling: true', 'reconcile_interval: 0'] }}                | ${'main: without polling and without reconcile_interval nobody looks for a job whose webhook gets lost.'}
  ${{ top: ['dispatcher: { url: "https://d.example.org", timeout: 2h }'] }}                                     | ${'dispatcher default: its timeout is above the ttl of the target linux.'}
  ${{ top: ['dispatcher: { url: "https://169.254.169.254" }'] }}                                                | ${'dispatcher default: https://169.254.169.254 is where clouds keep the credentials of a machine.'}
  ${{ top: ['dispatcher: { kind: docker, image: x, privileged: true }'] }}                                      | ${"dispatcher default: privileged gives every job the rights of root on the engine's machine."}
  ${{ top: ['dispatcher: { kind: docker, image: x, volumes: ["/run/docker.sock:/var/run/docker.sock:ro"] }'] }} | ${"dispatcher default: the engine's socket gives every job the rights of root on the engine's machine, also as ro."}
  ${{ target: ['labels: [a]', 'image: ghp_0123456789abcdef0123'] }}                                             | ${'instances[0].targets[0].image (line 7) looks like a token; one belongs under token, token_env, token_file or token_credential.'}
  ${{ scope: '{ level: organization, owner: 0123456789abcdef0123456789abcdef01234567 }' }}                      | ${'instances[0].scope.owner (line 4) looks like a token; one belongs under token, token_env, token_file or token_credential.'}
`('let pass with a warning: $warning', ({ lines, warning }) => {
  expect(load(yaml(lines)).warnings).toEqual([warning])
})

test('a target that can never take a job is named with the one before it', () => {
  const text = yaml({ target: ['labels: [linux, gpu]'] }).concat('      - labels: [linux]\n')
  expect(load(text).warnings).toEqual([
    'main/linux: never takes a job, because main/linux+gpu offers all its labels and comes first.',
  ])
})

test('two instances with one secret and one scope are named', () => {
  const one = yaml({ instance: [`webhook_secret: ${long}`] })
  const text = one + one.replace('instances:\n', '').replace('main', 'twin')
  expect(load(text).warnings).toEqual([
    'twin: its webhook_secret is also that of main; a delivery for the one passes for the other.',
    'twin: its scope and labels overlap with those of main; a job may get a runner from both.',
  ])
})

test.each`
  what                                | scope                                                  | labels       | warned
  ${'the organization around it'}     | ${'{ level: organization, owner: ACME }'}              | ${'linux'}   | ${true}
  ${'the organization, other labels'} | ${'{ level: organization, owner: acme }'}              | ${'windows'} | ${false}
  ${'another organization'}           | ${'{ level: organization, owner: other }'}             | ${'linux'}   | ${false}
  ${'the whole forge'}                | ${'{ level: instance }'}                               | ${'linux'}   | ${true}
  ${'another repository'}             | ${'{ level: repository, owner: acme, name: gadgets }'} | ${'linux'}   | ${false}
  ${'a user of another name'}         | ${'{ level: user, owner: somebody }'}                  | ${'linux'}   | ${false}
`('of an instance for one repository and one for $what, that they overlap is told: $warned', (row) => {
  const { scope, labels, warned } = row
  const instance = (name: string, scope: string, label: string) => `  - name: ${name}
    gitea: { base_url: "https://git.example.org", token: t0ken-of-some-length }
    scope: ${scope}
    targets: [{ labels: [${label}] }]
`
  const one = instance('main', '{ level: repository, owner: acme, name: widgets }', 'linux')
  const { warnings } = load(`dispatcher: { kind: process }\ninstances:\n${one}${instance('twin', scope, labels)}`)
  expect(warnings.some((text) => /^twin: its scope and labels overlap with those of main/.test(text))).toBe(warned)
})

test('what is right is passed in silence', () => {
  expect(
    load(yaml({ instance: [`webhook_secret: ${long}`, 'webhook: { url: "https://m.example.org/webhook/main" }'] }))
      .warnings,
  ).toEqual([])
})

test('a dispatcher that targets only fall back to is used', () => {
  const text = yaml({
    top: ['dispatchers: { default: { kind: process }, spare: { kind: process } }'],
    target: ['labels: [a]', 'fallback: [spare]'],
  })
  expect(load(text).warnings).toEqual([])
})
