import { HttpResponse, http } from 'msw'
import { expect, test } from 'vitest'
import { Secret } from '../../../src/secret.ts'
import { aRunnerRow } from '../../fixtures/github/rows.ts'
import { at } from '../../support/builders.ts'
import { network } from '../../support/network.ts'
import { API, aGithub, authorised, enterprise, never, refusal, type Setup } from './github.ts'

const path = `${API}/repos/acme/widgets/actions/runners`

function refusedWith(status: number, message: string, headers: Record<string, string> = {}) {
  network.use(http.get(path, () => refusal(status, message, {}, headers)))
  return expect(aGithub().runners(never())).rejects
}

const seconds = (time: string) => String(at(time) / 1_000)

test('every call bears the token, the media type and the version of the API', async () => {
  network.use(
    http.get(
      path,
      authorised(() => HttpResponse.json({ total_count: 0, runners: [] })),
    ),
  )
  expect(await aGithub().runners(never())).toMatchObject({ complete: true })
  await expect(aGithub({ token: 'another' }).runners(never())).rejects.toMatchObject({ status: 401 })
})

// docs.github.com, "Rate limits for the REST API": exceeding one is answered with 403 or 429.
test.each`
  status | limit                          | headers                                                                                               | until
  ${403} | ${'primary, spent'}            | ${{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': seconds('12:40:00') }}                         | ${'12:40:00'}
  ${429} | ${'primary, spent'}            | ${{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': seconds('12:40:00') }}                         | ${'12:40:00'}
  ${403} | ${'secondary, with a time'}    | ${{ 'retry-after': '90', 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': seconds('12:40:00') }} | ${'12:01:30'}
  ${429} | ${'secondary, with a time'}    | ${{ 'retry-after': '90' }}                                                                            | ${'12:01:30'}
  ${403} | ${'secondary, without a time'} | ${{ 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': seconds('12:40:00') }}                      | ${'12:01:00'}
  ${429} | ${'secondary, without a time'} | ${{}}                                                                                                 | ${'12:01:00'}
`('a $status for a rate limit ($limit) says to wait until $until', async ({ status, headers, until }) => {
  const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
  await refusedWith(status, message, headers).toMatchObject({ name: 'ForgeLimited', retryAt: at(until) })
})

test('a 403 for a missing permission is no rate limit', async () => {
  const headers = { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': seconds('12:40:00') }
  await refusedWith(403, 'Resource not accessible by personal access token', headers).toMatchObject({
    name: 'ForgeRefused',
    status: 403,
    message: expect.stringContaining('Administration: write'),
  })
})

test.each([
  [401, 'Bad credentials', 'the token is wrong, expired or revoked'],
  [404, 'Not Found', 'the token does not see it'],
  [301, 'Moved Permanently', 'it was renamed or moved: mend the scope'],
  [410, 'Gone', 'API version 2022-11-28'],
])('a %i says what to mend', async (status, message, hint) => {
  await refusedWith(status, message).toMatchObject({
    name: 'ForgeRefused',
    status,
    message: expect.stringContaining(hint),
  })
})

test('a list that has not changed costs no quota: its tag is sent back as it came, and a 304 stands for it', async () => {
  const tag = 'W/"a1b2c3"'
  const page = { total_count: 1, runners: [aRunnerRow(23)] }
  network.use(
    http.get(path, ({ request }) =>
      request.headers.get('if-none-match') === tag
        ? new HttpResponse(null, { status: 304, headers: { etag: tag } })
        : HttpResponse.json(page, { headers: { etag: tag } }),
    ),
  )
  const statuses: (number | 'none')[] = []
  const github = aGithub({ statuses })
  const first = await github.runners(never())
  expect(await github.runners(never())).toEqual(first)
  expect(first).toMatchObject({ runners: [{ id: '23' }] })
  expect(statuses).toEqual([200, 304])
})

// github/docs#34689: a tag depends on the credential.
test('a rotated token does not send the tags that the old one was given', async () => {
  let token = 'the old one'
  network.use(
    http.get(path, ({ request }) =>
      request.headers.has('if-none-match')
        ? new HttpResponse(null, { status: 304 })
        : HttpResponse.json({ total_count: 0, runners: [] }, { headers: { etag: '"1"' } }),
    ),
  )
  const statuses: (number | 'none')[] = []
  const github = aGithub({ statuses, token: new Secret(() => token) })
  await github.runners(never())
  await github.runners(never())
  token = 'the new one'
  await github.runners(never())
  expect(statuses).toEqual([200, 304, 200])
})

// docs.github.com, "API versions": a version that is to go is announced by `Deprecation` and `Sunset`.
test('that GitHub will stop serving our version is told once', async () => {
  const headers = { deprecation: 'Thu, 12 Mar 2026 00:00:00 GMT', sunset: 'Sun, 12 Mar 2028 00:00:00 GMT' }
  network.use(http.get(path, () => HttpResponse.json({ total_count: 0, runners: [] }, { headers })))
  const notes: string[] = []
  const github = aGithub({ notes })
  await github.runners(never())
  await github.runners(never())
  expect(notes).toEqual([expect.stringContaining('12 Mar 2028')])
})

test('a list that has changed is read anew', async () => {
  let busy = false
  network.use(
    http.get(path, () =>
      HttpResponse.json({ total_count: 1, runners: [aRunnerRow(23, { busy })] }, { headers: { etag: `"${busy}"` } }),
    ),
  )
  const github = aGithub()
  expect(await github.runners(never())).toMatchObject({ runners: [{ state: 'idle' }] })
  busy = true
  expect(await github.runners(never())).toMatchObject({ runners: [{ state: 'busy' }] })
})

test.each<[string, Setup, object, string]>([
  ['github.com', {}, {}, 'github.com'],
  ['a company on ghe.com', { base: 'https://acme.ghe.com', api: 'https://api.acme.ghe.com' }, {}, 'acme.ghe.com'],
  [
    'an Enterprise Server',
    { base: 'https://git.acme.example', api: 'https://git.acme.example/api/v3' },
    { installed_version: '3.17.4' },
    '3.17.4',
  ],
])('%s tells its version, and can do all that there is', async (_, setup, told, version) => {
  const meta = { verifiable_password_authentication: false, ...told }
  network.use(
    http.get(
      `${setup.api ?? API}/meta`,
      authorised(() => HttpResponse.json(meta)),
    ),
  )
  expect(await aGithub(setup).probe(never())).toEqual({
    version,
    jobs: true,
    runners: true,
    jobEvents: true,
    hooks: true,
    registration: 'each',
    recovers: true,
  })
})

test('an enterprise lists runners, but neither jobs nor webhooks', async () => {
  network.use(
    http.get(
      `${API}/meta`,
      authorised(() => HttpResponse.json({})),
    ),
  )
  const can = await aGithub({ scope: enterprise }).probe(never())
  expect(can).toMatchObject({ jobs: false, runners: true, jobEvents: true, hooks: false, recovers: false })
})

test.each(['user', 'instance'] as const)('the level %s is refused when the forge is made', (level) => {
  expect(() => aGithub({ scope: { level, owner: 'acme', name: null } })).toThrow(level)
})
