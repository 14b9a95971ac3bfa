import { expect, test } from 'vitest'
import type { Reading } from '../../src/forges/forge.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { aTarget, aToldJob, at } from '../support/builders.ts'
import { aPublicWorld, githubLabels } from './intake-world.ts'

const jobs = (id: string, ...told: Parameters<typeof aToldJob>[0][]): Reading => ({
  kind: 'jobs',
  id,
  event: 'workflow_job',
  secret: 0,
  jobs: told.map(aToldJob),
})
const nudge = (id: string): Reading => ({ kind: 'nudge', id, event: 'push', secret: 0 })
const ignored = (id: string, reason: string): Reading => ({ kind: 'ignored', id, event: 'ping', secret: 0, reason })

test('an unknown instance comes before everything else', async () => {
  const { deliver, store, counted } = aPublicWorld()
  const answer = await deliver('x'.repeat(2_000), { to: 'nobody', method: 'PUT', headers: { 'x-signature': 'bad' } })
  expect(answer.status).toBe(404)
  expect(store.all()).toEqual([])
  expect(await counted()).toEqual({})
})

test.each(['__proto__', 'constructor', 'toString', '..%2f..%2fetc', '%00', 'main%2f', 'MAIN', ''])(
  '"%s" is no instance',
  async (to) => {
    const { deliver } = aPublicWorld()
    expect((await deliver(nudge('1'), { to })).status).toBe(404)
  },
)

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
  '%s is refused before the body is looked at',
  async (method) => {
    const { app, counted } = aPublicWorld()
    const body = ['GET', 'HEAD'].includes(method) ? undefined : 'x'.repeat(2_000)
    const answer = await app.request('/webhook/main', { method, body })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('POST')
    expect(await counted()).toEqual({})
  },
)

test('a body over the limit is refused before its signature is looked at', async () => {
  const { deliver, counted } = aPublicWorld({ maxBody: 100 })
  const answer = await deliver('x'.repeat(101), { headers: { 'x-signature': 'bad' } })
  expect(answer.status).toBe(413)
  expect(answer.headers.get('connection')).toBe('close')
  expect(await counted()).toEqual({ 'main too_large': 1 })
})

test('a body of exactly the limit is read', async () => {
  const { deliver } = aPublicWorld({ maxBody: 100 })
  expect((await deliver('x'.repeat(100), { headers: { 'x-signature': 'bad' } })).status).toBe(401)
})

test('a body that lies about its length is counted as it comes', async () => {
  const { deliver } = aPublicWorld({ maxBody: 100 })
  const answer = await deliver('x'.repeat(101), { headers: { 'content-length': '5', 'x-signature': 'bad' } })
  expect(answer.status).toBe(413)
})

test('a missing and a wrong signature get the same answer, and nothing is recorded', async () => {
  const { deliver, store, counted } = aPublicWorld()
  const wrong = await deliver(jobs('1', {}), { headers: { 'x-signature': 'bad' } })
  const missing = await deliver(jobs('1', {}), { headers: { 'x-signature': '' } })
  expect([wrong.status, missing.status]).toEqual([401, 401])
  expect(await wrong.text()).toBe(await missing.text())
  expect(store.all()).toEqual([])
  expect(await counted()).toEqual({ 'main unauthorized': 2 })
})

test('the eleventh bad signature within a minute is told to wait, and a good one is not', async () => {
  const { deliver, clock, counted } = aPublicWorld()
  const forged = () => deliver(nudge('1'), { headers: { 'x-signature': 'bad' } })
  for (let tried = 1; tried <= 10; tried++) expect((await forged()).status).toBe(401)
  clock.pass(20_000)
  const limited = await forged()
  expect(limited.status).toBe(429)
  expect(limited.headers.get('retry-after')).toBe('40')
  expect((await deliver(nudge('1'))).status).toBe(202)
  clock.pass(40_000)
  expect((await forged()).status).toBe(401)
  expect(await counted()).toEqual({ 'main unauthorized': 12, 'main accepted': 1 })
})

test('good deliveries are never limited, however many', async () => {
  const { deliver } = aPublicWorld()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => deliver(nudge(String(index)))))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
})

test('a signed body that is no delivery is refused with what is wrong with it, and not recorded', async () => {
  const { deliver, store, counted } = aPublicWorld()
  const answer = await deliver('payload=%7B%7D')
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ status: 400, detail: expect.stringContaining('content_type: json') })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(store.all()).toEqual([])
  expect(await counted()).toEqual({ 'main invalid': 1 })
})

test('an empty body reaches the forge as no bytes', async () => {
  const { app } = aPublicWorld()
  const signed = await app.request('/webhook/main', { method: 'POST', headers: { 'x-signature': 'good' } })
  expect(signed.status).toBe(400)
})

test('a job event is recorded with its target and accepted', async () => {
  const { deliver, store, counted } = aPublicWorld({
    targets: [aTarget({ name: 'small' }), aTarget({ labels: ['gpu'] })],
  })
  const answer = await deliver(jobs('d-1', { id: '7', labels: ['linux'] }, { id: '8', labels: ['linx'] }))
  expect(answer.status).toBe(202)
  expect(await answer.text()).toBe('{"status":"accepted"}')
  expect(store.all()).toEqual([
    expect.objectContaining({
      instance: 'main',
      id: 'd-1',
      event: 'workflow_job',
      receivedAt: at('12:00:00'),
      via: 'http',
      result: 'accepted',
      reason: null,
      nudge: false,
      jobEvent: true,
      jobs: [
        expect.objectContaining({ told: expect.objectContaining({ id: '7' }), target: 'small', unassigned: null }),
        expect.objectContaining({ told: expect.objectContaining({ id: '8' }), target: null, unassigned: 'unmatched' }),
      ],
    }),
  ])
  expect(await counted()).toEqual({ 'main accepted': 1 })
})

test('a nudge is recorded and accepted, and is no job event', async () => {
  const { deliver, store } = aPublicWorld()
  const answer = await deliver(nudge('d-1'))
  expect(await answer.text()).toBe('{"status":"accepted"}')
  expect(store.all()).toEqual([expect.objectContaining({ nudge: true, jobEvent: false, result: 'accepted', jobs: [] })])
})

test('anything else that is signed is recorded and ignored, with the reason', async () => {
  const { deliver, store, counted } = aPublicWorld()
  const answer = await deliver(ignored('d-1', 'scope'))
  expect(answer.status).toBe(202)
  expect(await answer.text()).toBe('{"status":"ignored","reason":"scope"}')
  expect(store.all()).toEqual([
    expect.objectContaining({ result: 'ignored', reason: 'scope', nudge: false, jobEvent: false }),
  ])
  expect(await counted()).toEqual({ 'main ignored': 1 })
})

test.each([
  ['accepted', jobs('d-1', {})],
  ['ignored', ignored('d-1', 'ping')],
])('a repeat of an %s delivery is a duplicate, whatever it says now', async (_, first) => {
  const { deliver, store, counted } = aPublicWorld()
  await deliver(first)
  const answer = await deliver(nudge('d-1'))
  expect(answer.status).toBe(202)
  expect(await answer.text()).toBe('{"status":"duplicate"}')
  expect(store.all()).toHaveLength(1)
  expect(await counted()).toMatchObject({ 'main duplicate': 1 })
})

test('the same delivery id at another instance is no repeat', async () => {
  const { deliver, intakes } = aPublicWorld()
  const [main] = intakes.values()
  if (main) intakes.set('other', { ...main, name: 'other' })
  await deliver(nudge('d-1'))
  expect(await (await deliver(nudge('d-1'), { to: 'other' })).text()).toBe('{"status":"accepted"}')
})

test("a job of the forge's own runners is ignored, and still shows that the webhook works", async () => {
  const { deliver, store } = aPublicWorld({ labels: githubLabels })
  const answer = await deliver(jobs('d-1', { labels: ['ubuntu-latest'] }))
  expect(await answer.text()).toBe('{"status":"ignored","reason":"hosted"}')
  expect(store.all()).toEqual([
    expect.objectContaining({ result: 'ignored', reason: 'hosted', jobEvent: true, jobs: [] }),
  ])
})

test('of a delivery with hosted jobs and others only the others are recorded', async () => {
  const { deliver, store } = aPublicWorld({ labels: githubLabels })
  const answer = await deliver(
    jobs('d-1', { id: '1', labels: ['ubuntu-latest'] }, { id: '2', labels: ['self-hosted', 'gpu'] }),
  )
  expect(await answer.text()).toBe('{"status":"accepted"}')
  expect(store.all()[0]?.jobs.map(({ told, unassigned }) => [told.id, unassigned])).toEqual([['2', 'unmatched']])
})

test.each([
  ['unavailable', new StoreUnavailable('the disk is full')],
  ['broken in a way nobody thought of', new TypeError('x is not a function')],
])('while the store is %s, nothing is acknowledged', async (_, error) => {
  const { deliver, store, counted } = aPublicWorld()
  store.broken = error
  const answer = await deliver(jobs('d-1', {}))
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await answer.text()).not.toContain(error.message)
  expect(await counted()).toEqual({ 'main unavailable': 1 })
  store.broken = null
  expect(await (await deliver(jobs('d-1', {}))).text()).toBe('{"status":"accepted"}')
})

test.each([
  ['a hundred thousand labels', Array.from({ length: 100_000 }, (_, index) => `label-${index}`)],
  ['labels that a target offers, and too many of them', Array.from({ length: 101 }, () => 'linux')],
  ['one label of 300 characters', ['linux', 'x'.repeat(300)]],
])('%s are accepted, cut, and match nothing', async (_, labels) => {
  const targets = [aTarget({ labels: ['linux', 'x'.repeat(300), 'x'.repeat(255), 'x'.repeat(256)] })]
  const { deliver, store } = aPublicWorld({ maxBody: 10_000_000, targets })
  expect(await (await deliver(jobs('d-1', { labels }))).text()).toBe('{"status":"accepted"}')
  const [job] = store.all()[0]?.jobs ?? []
  expect(job).toMatchObject({ target: null, unassigned: 'unmatched' })
  expect(job?.told.labels.length).toBeLessThanOrEqual(100)
  expect(Math.max(...(job?.told.labels ?? []).map(({ length }) => length))).toBeLessThanOrEqual(256)
})

test('a hundred labels of 256 characters are left as they are', async () => {
  const labels = Array.from({ length: 100 }, (_, index) => String(index).padEnd(256, 'x'))
  const { deliver, store } = aPublicWorld({ maxBody: 100_000, targets: [aTarget({ labels })] })
  await deliver(jobs('d-1', { labels }))
  expect(store.all()[0]?.jobs[0]).toMatchObject({ target: 'linux', told: { labels } })
})

test.each<[string, RequestInit & { to?: string }, object]>([
  ['an unknown instance', { to: 'nobody' }, { reason: 'unknown_instance' }],
  ['another method', { method: 'PUT' }, { reason: 'method', instance: 'main' }],
  ['a bad signature', { headers: { 'x-signature': 'bad' } }, { reason: 'unauthorized', instance: 'main' }],
])('%s leaves one line in the log, without anything of the request but its length', async (_, init, line) => {
  const { deliver, text, lines } = aPublicWorld()
  const body = JSON.stringify(jobs('d-1', { labels: ['canary-label'] }))
  const headers = { 'x-canary': 'canary-header', 'content-length': String(body.length), ...init.headers }
  await deliver(body, { ...init, headers })
  expect(lines()).toEqual([expect.objectContaining({ peer: 'unknown', length: body.length, ...line })])
  expect(text.join()).not.toMatch(/canary|nobody/)
})

test('what was ignored leaves one line in the log, with the reason and nothing of the request but its length', async () => {
  const { deliver, text, lines } = aPublicWorld()
  const body = JSON.stringify({ ...ignored('canary-id', 'event'), event: 'canary-event', canary: true })
  await deliver(body, { headers: { 'x-canary': 'canary-header' } })
  expect(lines()).toEqual([
    expect.objectContaining({ level: 30, instance: 'main', length: body.length, reason: 'event' }),
  ])
  expect(text.join()).not.toContain('canary')
})

test('what was accepted leaves no line at all', async () => {
  const { deliver, lines } = aPublicWorld()
  await deliver(jobs('d-1', {}))
  await deliver(jobs('d-1', {}))
  expect(lines()).toEqual([])
})

test('a forge that breaks its promise not to throw becomes a 500 that tells an id and no more', async () => {
  const { deliver, intakes, lines } = aPublicWorld()
  const [main] = intakes.values()
  const read = async () => {
    throw new Error('secret-thing at /home/someone')
  }
  if (main) intakes.set('main', { ...main, forge: { ...main.forge, read } })
  const answer = await deliver(nudge('1'))
  expect(answer.status).toBe(500)
  expect(await answer.json()).toMatchObject({ id: 'error-1', status: 500 })
  expect(lines()).toEqual([expect.objectContaining({ id: 'error-1', msg: 'a request failed' })])
})

test('the public listener says that it lives, and has nothing else', async () => {
  const { app } = aPublicWorld()
  const alive = await app.request('/healthz')
  expect([alive.status, await alive.text()]).toEqual([200, 'ok'])
  for (const path of [
    '/',
    '/webhook',
    '/webhook/',
    '/webhook/main/',
    '/webhook/main/x',
    '/metrics',
    '/api/v1/jobs',
    '/readyz',
  ]) {
    const answer = await app.request(path)
    expect([path, answer.status]).toEqual([path, 404])
  }
})
