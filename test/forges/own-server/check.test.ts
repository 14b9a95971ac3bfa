import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../src/core/finding.ts'
import type { Scope } from '../../../src/core/scope.ts'
import type { CheckQuery, Forge } from '../../../src/forges/forge.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { network } from '../../support/network.ts'
import type { WorldHook } from '../contract.ts'
import * as forgejo from '../forgejo/world.ts'
import * as gitea from '../gitea/world.ts'
import { aCheckQuery, levels } from './world.ts'

const organization: Scope = { level: 'organization', owner: 'acme', name: null }
const user: Scope = { level: 'user', owner: 'acme', name: null }
const { hook } = aCheckQuery()
const right: WorldHook = {
  ...{ id: 5, url: hook?.url ?? '', secret: 's', active: true },
  events: ['push', 'workflow_job', 'create', 'pull_request', 'issue_comment', 'release'],
}

interface Set {
  scope?: Scope
  scopes?: readonly string[]
  place?: object
  hooks?: WorldHook[]
}

const worlds = {
  gitea: {
    base: gitea.base,
    token: gitea.token,
    open: ({ hooks = [right], ...set }: Set = {}) => gitea.open({ ...set, state: { hooks } }),
  },
  forgejo: {
    base: forgejo.base,
    token: forgejo.token,
    open: ({ hooks = [right], ...set }: Set = {}) => forgejo.open({ ...set, state: { hooks } }),
  },
}
const both = ['gitea', 'forgejo'] as const

async function check(forge: Forge, over: Partial<CheckQuery> = {}): Promise<readonly Finding[]> {
  if (!forge.check) throw new Error('this forge has no check')
  return forge.check(aCheckQuery(over), new AbortController().signal)
}
const named = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check)
const bad = (findings: readonly Finding[]) => findings.filter(({ level }) => level === 'warning' || level === 'problem')

describe.each(both)('a check of %s', (kind) => {
  const { base, token, open } = worlds[kind]

  test('of a set-up that is right finds nothing to mend, at every level', async () => {
    for (const scope of levels) {
      const findings = await check(open({ scope }))
      expect(bad(findings)).toEqual([])
      expect(findings.map((finding) => finding.check)).toEqual(
        expect.arrayContaining(['forge_reachable', 'forge_kind', 'token', 'jobs', 'runners', 'registration', 'hook']),
      )
    }
  })

  test('tells the version and what it can do on one line', async () => {
    const [line, ...more] = named(await check(open()), 'forge_version')
    expect(more).toEqual([])
    expect(line?.message).toMatch(
      /^(?:Gitea 1\.27|Forgejo 15)\S*, lists jobs and runners, each runner gets a registration of its own$/,
    )
  })

  test('changes nothing: it sends reads alone', async () => {
    const hooks = [{ ...right, active: false }]
    const forge = open({ hooks })
    const seen = await exchangesOf(() => check(forge))
    expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['GET']))
    expect(hooks).toEqual([{ ...right, active: false }])
  })

  test.each<[string, () => Response, string, RegExp]>([
    ['does not answer', () => HttpResponse.error(), 'forge_reachable', /base_url/],
    ['is a login page', () => HttpResponse.html('<html>Sign in</html>'), 'forge_reachable', /login page/],
    ['is something else', () => new HttpResponse('', { status: 404 }), 'forge_reachable', /web address of the forge/],
    [
      'leads elsewhere',
      () => new HttpResponse(null, { status: 301, headers: { location: 'https://elsewhere.example/' } }),
      'forge_reachable',
      /no redirect is followed/,
    ],
    [
      'does not know the token',
      () => HttpResponse.json({ message: `no ${token}` }, { status: 401 }),
      'token',
      /new access token/,
    ],
  ])('ends with one problem where it %s', async (_, answer, name, fix) => {
    const forge = open()
    network.use(http.all(`${base}/*`, answer))
    const findings = await check(forge)
    expect(bad(findings)).toMatchObject([{ level: 'problem', check: name, fix: expect.stringMatching(fix) }])
    expect(JSON.stringify(findings)).not.toContain(token)
  })

  test('tells one forge from the other, and ends there', async () => {
    const forge = open()
    network.use(
      http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: 'development' })),
      http.get(`${base}/api/forgejo/v1/version`, () =>
        kind === 'gitea' ? HttpResponse.json({ version: '1' }) : new HttpResponse(null, { status: 404 }),
      ),
    )
    const findings = await check(forge)
    const found = kind === 'gitea' ? 'forgejo' : 'gitea'
    expect(bad(findings)).toMatchObject([{ check: 'forge_kind', fix: `write ${found}: in place of ${kind}:` }])
    expect(findings.at(-1)?.check).toBe('forge_kind')
  })

  test.each([
    ['1.27.0', 'gitea'],
    ['1.28.0+dev-321-gabcdef', 'gitea'],
    ['15.0.3+gitea-1.22.0', 'forgejo'],
    ['v17.0.0-dev', 'forgejo'],
  ])('knows by the version %s that it is a %s, without asking further', async (version, found) => {
    const forge = open()
    network.use(
      http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version })),
      http.get(`${base}/api/forgejo/v1/version`, () => HttpResponse.error()),
    )
    const [told] = named(await check(forge), 'forge_kind')
    expect(told?.level).toBe(found === kind ? 'good' : 'problem')
  })

  test.each([
    [-45, 'ahead of'],
    [45, 'behind'],
  ])('warns of a clock that is %i s away', async (seconds, word) => {
    const forge = open()
    const date = new Date(Date.now() - seconds * 1_000).toUTCString()
    network.use(
      http.get(`${base}/api/v1/version`, () => HttpResponse.json({ version: 'development' }, { headers: { date } })),
    )
    const findings = named(await check(forge), 'clock')
    expect(findings).toMatchObject([{ level: 'warning', message: expect.stringMatching(`4[456] s ${word}`) }])
  })

  test('says which scope is misspelt or hidden', async () => {
    const forge = open()
    network.use(http.all(`${base}/api/v1/repos/*`, () => new HttpResponse(null, { status: 404 })))
    const findings = await check(forge)
    expect(bad(findings)).toMatchObject([{ check: 'scope', message: expect.stringContaining('acme/widgets') }])
    expect(findings.at(-1)?.check).toBe('scope')
  })

  test('holds nothing against a scope of which only the lists are shown', async () => {
    const forge = open()
    network.use(http.get(`${base}/api/v1/repos/acme/widgets`, () => new HttpResponse(null, { status: 404 })))
    expect(bad(await check(forge))).toEqual([])
  })

  test('says whose token it is where it is not that of the user', async () => {
    const findings = await check(open({ scope: user, place: { login: 'eve' } }))
    expect(bad(findings)).toMatchObject([{ check: 'scope', message: expect.stringContaining('belongs to eve') }])
  })

  test.each([
    ['actions', 'problem', { has_actions: false }],
    ['actions', 'problem', { archived: true }],
    ['repository_public', 'warning', { private: false }],
  ])('finds %s a %s where the repository is %j', async (name, level, place) => {
    expect(bad(await check(open({ place })))).toMatchObject([{ check: name, level }])
  })

  test('says nothing of a public repository to whom starts no runners for it', async () => {
    expect(bad(await check(open({ place: { private: false } }), { registers: false }))).toEqual([])
    expect(bad(await check(open({ place: { private: false } }), { isolated: true }))).toEqual([])
  })

  test('warns of a token that can do more than it has to', async () => {
    const findings = await check(open({ scopes: ['all'] }))
    expect(bad(findings)).toMatchObject([
      { check: 'token_scopes', level: 'warning', fix: expect.stringContaining('write:repository alone') },
    ])
  })

  test('names the scope that the token lacks, in the words of the forge', async () => {
    const findings = await check(open({ scope: organization, scopes: ['write:repository'] }))
    expect(named(findings, 'scope')).toMatchObject([
      {
        level: 'problem',
        message: expect.stringContaining('read:organization'),
        fix: expect.stringContaining('write:organization'),
      },
    ])
  })

  test('says whose token sees runners where this one does not', async () => {
    const forge = open()
    const refused = () => HttpResponse.json({ message: 'user should be the owner of the repo' }, { status: 403 })
    network.use(http.get(`${base}/*/actions/runners`, refused))
    expect(named(await check(forge), 'runners')).toMatchObject([
      {
        level: 'problem',
        message: expect.stringContaining('owner of the repo'),
        fix: expect.stringContaining('owner'),
      },
    ])
  })

  test('finds no fault in a webhook that is not there yet', async () => {
    const findings = await check(open({ hooks: [] }))
    expect(bad(findings)).toEqual([])
    expect(named(findings, 'hook')).toMatchObject([{ level: 'note', message: expect.stringContaining('yet') }])
  })

  test.each<[string, string, WorldHook[]]>([
    ['hook_active', 'problem', [{ ...right, active: false }]],
    ['hook_content_type', 'problem', [{ ...right, contentType: 'form' }]],
    ['hook_events', 'problem', [{ ...right, events: ['delete'] }]],
    ['hook_doubles', 'warning', [right, { ...right, id: 6 }]],
  ])('finds by %s a %s of the webhook', async (name, level, hooks) => {
    expect(bad(await check(open({ hooks })))).toMatchObject([{ check: name, level, fix: expect.any(String) }])
  })

  test('warns of a receiver that the forge may refuse, and says how to see what became of deliveries', async () => {
    const url = 'http://10.0.0.7:8090/webhook/main'
    const hooks = [{ ...right, url }]
    const findings = await check(open({ hooks }), { hook: { url, events: [], active: true } })
    expect(bad(findings)).toMatchObject([
      { check: 'hook_receiver', message: expect.stringContaining('ALLOWED_HOST_LIST') },
    ])
    expect(named(findings, 'hook_deliveries')).toMatchObject([
      { level: 'note', message: expect.stringContaining(`${base}/acme/widgets/settings/hooks/5`) },
    ])
  })

  test('says how webhooks are switched on again for the whole forge', async () => {
    const forge = open()
    const off = () => HttpResponse.json({ message: 'webhooks disabled by administrator' }, { status: 403 })
    network.use(http.get(`${base}/*/hooks`, off))
    expect(bad(await check(forge))).toMatchObject([
      { check: 'hook', level: 'problem', fix: expect.stringContaining('DISABLE_WEBHOOKS = false') },
    ])
  })

  test('says nothing of a webhook or a registration that nobody wants', async () => {
    const findings = await check(open({ hooks: [] }), { hook: null, registers: false })
    expect(findings.filter(({ check }) => /^hook|registration/.test(check))).toEqual([])
  })

  test('counts requests for people alone', async () => {
    expect(named(await check(open()), 'requests')).toMatchObject([
      { level: 'note', message: expect.stringMatching(/^about 240 .* 24 once/) },
    ])
  })

  test.each([401, 403, 404, 429, 500])(
    'never rejects, and finds a problem, where all but its version is %i',
    async (status) => {
      const forge = open()
      network.use(
        http.all(`${base}/*`, ({ request }) =>
          request.url.endsWith('/api/v1/version') ? undefined : new HttpResponse('{"message":"no"}', { status }),
        ),
      )
      const findings = await check(forge)
      expect(findings.some(({ level }) => level === 'problem')).toBe(true)
      expect(findings.filter(({ level, fix }) => level === 'problem' && !fix)).toEqual([])
    },
  )

  test('that is given up ends by name', async () => {
    const findings = await open().check?.(aCheckQuery(), AbortSignal.abort())
    expect(findings).toMatchObject([{ level: 'problem', check: 'forge_reachable' }])
  })
})

test('a token of Gitea that lacks what is written is told before anything needs it', async () => {
  const lacking = await check(gitea.open({ scopes: ['read:repository'] }))
  expect(named(lacking, 'token_scopes')).toMatchObject([
    { level: 'problem', message: expect.stringContaining('write:repository') },
  ])
  const reads = await check(gitea.open({ scopes: ['read:repository'] }), { registers: false, hook: null })
  expect(named(reads, 'token_scopes')).toMatchObject([{ level: 'good' }])
})

test('a token of Gitea that sees nothing but what is public is told of', async () => {
  const findings = await check(gitea.open({ scopes: ['write:repository', 'public-only'], state: { hooks: [right] } }))
  expect(bad(findings)).toMatchObject([{ check: 'token_scopes', message: expect.stringContaining('private') }])
})

test('what was refused is told once, and is no ability that the version lacks', async () => {
  const forge = forgejo.open({ state: { hooks: [right] } })
  network.use(http.get(`${forgejo.base}/*/actions/runners`, () => HttpResponse.json({}, { status: 403 })))
  const findings = await check(forge)
  expect(bad(findings)).toMatchObject([{ check: 'runners' }])
  expect(named(findings, 'forge_version')).toMatchObject([{ message: 'Forgejo 15.0.3+gitea-1.22.0, lists jobs' }])
})

test.each(gitea.giteaVersions)('Gitea %s tells what its token may do', async (version) => {
  const scopes = ['write:repository', 'read:user']
  const findings = await check(gitea.open({ version, scopes, state: { hooks: [right] } }))
  expect(named(findings, 'token_scopes')).toMatchObject([
    { level: 'warning', message: expect.stringMatching(/more than it needs: read:user$/) },
  ])
})

test.each([
  ['gitea', () => gitea.open({ version: '1.24' })],
  ['forgejo', () => forgejo.open()],
] as const)('a token that %s does not know is found out where its version is public', async (kind, open) => {
  const forge = open()
  const unknown = () => HttpResponse.json({ message: 'access token does not exist' }, { status: 401 })
  network.use(http.get(`${kind === 'gitea' ? gitea.base : forgejo.base}/api/v1/notifications/new`, unknown))
  expect(bad(await check(forge))).toMatchObject([{ check: 'token', level: 'problem' }])
})

test('a token of Forgejo that cannot tell repositories apart is found out', async () => {
  const forge = forgejo.open({ scope: organization, scopes: ['write:organization'] })
  network.use(
    http.get(`${forgejo.base}/api/v1/repositories/1`, () =>
      HttpResponse.json(
        { message: 'token does not have at least one of required scope(s): [read:repository]' },
        { status: 403 },
      ),
    ),
  )
  const findings = await check(forge, { hook: null })
  expect(bad(findings)).toMatchObject([{ check: 'token_scopes', fix: expect.stringContaining('read:repository') }])
})

test('Gitea 1.24 is told to list no jobs', async () => {
  const findings = await check(gitea.open({ version: '1.24', state: { hooks: [right] } }))
  expect(bad(findings)).toMatchObject([{ check: 'jobs', level: 'warning', fix: expect.stringContaining('1.25') }])
  expect(named(findings, 'requests')[0]?.message).toContain('about 120')
  expect(named(findings, 'forge_version')[0]?.message).toContain('Gitea 1.24.6, lists runners and no jobs')
})

test('Gitea without its service for runners hands a shared token out', async () => {
  const forge = gitea.open({ state: { hooks: [right] } })
  network.use(http.all(`${gitea.base}/api/actions/*`, () => new HttpResponse(null, { status: 404 })))
  expect(bad(await check(forge))).toMatchObject([{ check: 'registration', level: 'warning' }])
})

test.each([11, 12, 13, 14] as const)('Forgejo %i is told to share its token, and how it cleans up', async (version) => {
  const findings = await check(forgejo.open({ version, state: { hooks: [right] } }))
  expect(bad(findings)).toMatchObject([
    { check: 'registration', fix: expect.stringContaining('[cron.cleanup_offline_runners]') },
  ])
})
