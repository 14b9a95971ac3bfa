import { expect, test } from 'vitest'
import { load, refused, yaml } from './written.ts'

const offered = (...more: string[]) => ['dispatcher_api:', '  enabled: true', '  token: t-of-callers', ...more]
const second = [
  '  - name: second',
  '    github: { token: t-of-github }',
  '    scope: { level: organization, owner: acme }',
  '    dispatcher: { url: "http://127.0.0.1:8080" }',
  '    targets: [{ labels: [linux] }]',
]

test('what others may ask is nothing until it is enabled', () => {
  expect(load(yaml()).dispatcherApi).toBeNull()
  expect(load(yaml({ top: ['dispatcher_api: { token: t-of-callers, instance: nobody }'] })).dispatcherApi).toBeNull()
})

test('with a token alone it is for the only instance, without limits, at the dispatcher of the instance', () => {
  const { dispatcherApi, secrets } = load(yaml({ top: offered() }))
  expect(dispatcherApi).toMatchObject({
    instance: 'main',
    allowLabels: [],
    allowScopes: [],
    maxParallel: null,
    defaultLabels: [],
    defaultScope: null,
  })
  expect(dispatcherApi?.token.reveal()).toBe('t-of-callers')
  expect(secrets.map((secret) => secret.reveal())).toContain('t-of-callers')
  expect(dispatcherApi?.places.get('main')).toMatchObject({ dispatcher: 'process', labels: { cutSchemes: true } })
})

test('each instance has its own dispatcher for what no target offers', () => {
  const { dispatcherApi } = load(yaml({ top: [...second, ...offered('  instance: second')] }))
  expect(dispatcherApi?.instance).toBe('second')
  expect(Object.fromEntries(dispatcherApi?.places ?? [])).toMatchObject({
    main: { dispatcher: 'process' },
    second: { dispatcher: 'second', labels: { foldCase: true } },
  })
})

test('among several instances one has to be named', () => {
  expect(refused(yaml({ top: [...second, ...offered()] }))).toEqual([
    'autoscaler.yaml:11:1 dispatcher_api.instance: expected the name of an instance (main, second), found nothing, the others have a path of their own',
  ])
})

test('scopes are kept in the form in which they are compared', () => {
  const { dispatcherApi } = load(yaml({ top: offered('  allow_scopes: ["Repository:Acme/Site", instance]') }))
  expect(dispatcherApi?.allowScopes).toEqual(['repository:acme/site', 'instance'])
})

test('a target for the label api is not called so', () => {
  expect(load(yaml({ target: ['labels: [api]'] })).instances[0]?.targets[0]?.name).toBe('api-2')
})

test('a token that opens more than it should and a scope that is not used are told', () => {
  const tokens = ['admin: { tokens: [{ name: alice, role: admin, token: t-of-callers }] }']
  const scope = '  default_scope: { level: organization, owner: other }'
  expect(load(yaml({ top: [...tokens, ...offered(scope)] })).warnings).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^dispatcher_api: its token is shorter than 24/),
      expect.stringMatching(/^dispatcher_api: its token is also that of admin.tokens alice/),
      expect.stringMatching(/^dispatcher_api: default_scope does not lie in the scope of main/),
    ]),
  )
})

const enabled = 'dispatcher_api: { enabled: true, token: t-of-callers'

test.each`
  top                                                       | problem
  ${'dispatcher_api: { enabled: true }'}                    | ${'6:1 dispatcher_api.token: expected a token, because enabled is true, found nothing, make one with: openssl rand -hex 32'}
  ${`${enabled}, instance: mian }`}                         | ${'6:55 dispatcher_api.instance: expected the name of an instance (main), found "mian", the others have a path of their own'}
  ${`${enabled}, allow_scope: [] }`}                        | ${'6:55 dispatcher_api.allow_scope: expected a known key, found "allow_scope", did you mean "allow_scopes"?'}
  ${`${enabled}, allow_scopes: [acme/site] }`}              | ${'6:70 dispatcher_api.allow_scopes[0]: expected a scope such as instance, organization:acme, user:ada or repository:acme/site, found "acme/site"'}
  ${`${enabled}, allow_labels: [""] }`}                     | ${'6:70 dispatcher_api.allow_labels[0]: expected a label of 1 to 256 characters, found ""'}
  ${`${enabled}, max_parallel: 0 }`}                        | ${'6:55 dispatcher_api.max_parallel: expected a whole number of 1 or more, found 0'}
  ${`${enabled}, default_scope: { level: organization } }`} | ${'6:55 dispatcher_api.default_scope.owner: expected the owner, because the level is organization, found nothing'}
`('refused at $problem', ({ top, problem }) => {
  expect(refused(yaml({ top: [top] }))).toEqual([`autoscaler.yaml:${problem}`])
})

test('no target may have the name under which such runners are counted', () => {
  expect(refused(yaml({ target: ['labels: [a]', 'name: api'] }))).toEqual([
    'autoscaler.yaml:7:9 instances[0].targets[0].name: expected another name, found "api", which stands for the dispatcher API',
  ])
})

test('a dispatcher that only callers of the dispatcher API have use for is in use', () => {
  const dispatchers = ['dispatchers: { default: { kind: process }, spare: { kind: process } }']
  const target = ['labels: [a]', 'dispatcher: spare']
  const told = (top: string[]) => load(yaml({ target, top })).warnings.filter((warning) => /no target/.test(warning))
  expect(told(dispatchers)).toEqual(['dispatcher default: no target uses it.'])
  expect(told([...dispatchers, ...offered()])).toEqual([])
})
