import { expect, test } from 'vitest'
import { Secret } from '../../src/secret.ts'
import { createSession, readSession, sessionLife } from '../../src/server/session.ts'
import { at } from '../support/builders.ts'
import { anAdminWorld } from './admin-world.ts'

const now = at('12:00:00')
const alice = { name: 'alice', role: 'operate', token: new Secret('token-of-alice') } as const
const bob = { name: 'bob', role: 'read', token: new Secret('token-of-bob') } as const

test('a session is its token’s, whatever process reads it, until its time is over', () => {
  const cookie = createSession(alice, now)
  expect(readSession(cookie, [bob, alice], now)).toEqual({ kind: 'valid', role: 'operate', name: 'alice' })
  expect(readSession(cookie, [bob, alice], now + sessionLife)).toEqual({ kind: 'expired' })
  expect(cookie).not.toContain('alice')
})

test('a session ends when its token is taken out of the configuration', () => {
  expect(readSession(createSession(alice, now), [bob], now)).toEqual({ kind: 'forged' })
})

test.each([
  '',
  'x',
  `${now + 1}.`,
  createSession(alice, now).replace(/^\d/, '9'),
  `${createSession(alice, now)}x`,
  createSession({ ...alice, token: new Secret('') }, now),
])('"%s" is no session', (cookie) => {
  expect(readSession(cookie, [bob, alice, { ...alice, token: new Secret('') }], now)).toEqual({ kind: 'forged' })
})

const tokens = { read: 'token-of-a-reader', operate: 'token-of-an-operator' }
const origin = 'http://localhost'

/** Signs in, and answers what the browser would send from then on. */
async function signedIn({ app }: ReturnType<typeof anAdminWorld>, token: string) {
  const body = new URLSearchParams({ token, next: '/jobs' })
  const answer = await app.request('/login', { method: 'POST', body, headers: { origin } })
  return { answer, cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

test('a token is given for a cookie that no script and no other site can use', async () => {
  const world = anAdminWorld({ tokens })
  const { answer, cookie } = await signedIn(world, tokens.read)
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('/login/done?next=%2Fjobs')
  expect(answer.headers.get('set-cookie')).toMatch(
    /^__Host-muster=[\w.-]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  )
  expect((await world.app.request('/jobs', { headers: { cookie } })).status).toBe(200)
  const done = await world.app.request('/login/done?next=/jobs', { headers: { cookie } })
  expect([done.status, done.headers.get('location')]).toEqual([303, '/jobs'])
})

test('who keeps no cookie is told what is needed', async () => {
  const { app } = anAdminWorld({ tokens })
  const page = await (await app.request('/login/done')).text()
  expect(page).toContain('your browser kept no session')
  expect(page).toContain('https')
  expect(page).toContain('ssh -L')
})

test('with a session changes are asked for from our own pages alone, by form and by API', async () => {
  const world = anAdminWorld({ tokens })
  const { cookie } = await signedIn(world, tokens.operate)
  const pause = (headers: Record<string, string>, path = '/api/v1/instances/main/pause') =>
    world.app.request(path, { method: 'POST', headers: { cookie, ...headers } })
  expect((await pause({})).status).toBe(403)
  expect((await pause({ origin: 'https://evil.example' })).status).toBe(403)
  expect((await pause({}, '/instances/main/pause')).status).toBe(403)
  expect(await world.store.paused('main')).toBeNull()
  expect((await pause({ origin })).status).toBe(200)
  expect((await pause({ origin }, '/instances/main/resume')).status).toBe(303)
  expect(await world.store.paused('main')).toBeNull()
})

test('guesses at tokens and at sessions are counted together, and a right one still works', async () => {
  const world = anAdminWorld({ tokens })
  for (let tried = 1; tried <= 5; tried++) expect((await signedIn(world, `guess-${tried}`)).answer.status).toBe(401)
  const forged = { cookie: `__Host-muster=${now + sessionLife}.${'x'.repeat(43)}` }
  for (let tried = 1; tried <= 5; tried++)
    expect((await world.app.request('/jobs', { headers: forged })).status).toBe(401)
  expect((await signedIn(world, 'guess-11')).answer.status).toBe(429)
  expect((await world.app.request('/api/v1/jobs', { headers: forged })).status).toBe(429)
  expect((await signedIn(world, tokens.read)).answer.status).toBe(303)
})

test.each([
  ['//evil.example', '/'],
  ['https://evil.example/', '/'],
  ['/\\evil.example', '/'],
  ['/a/..//evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/jobs?state=queued', '/jobs?state=queued'],
])('who signs in on the way to %s is led to %s', async (next, path) => {
  const { app } = anAdminWorld()
  const answer = await app.request(`/login?next=${encodeURIComponent(next)}`)
  expect([answer.status, answer.headers.get('location')]).toEqual([303, path])
})

test('a link from another site asks once more, so that the cookie comes along', async () => {
  const { app } = anAdminWorld({ tokens })
  const headers = { accept: 'text/html', 'sec-fetch-site': 'cross-site' }
  const refresh = async (over: Record<string, string>) =>
    (await app.request('/jobs', { headers: { ...headers, ...over } })).headers.get('refresh')
  expect(await refresh({})).toBe('0')
  expect(await refresh({ 'sec-fetch-site': 'same-origin' })).toBeNull()
})
