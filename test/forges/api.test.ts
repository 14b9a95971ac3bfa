import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createForgeApi, path } from '../../src/forges/api.ts'
import { at } from '../support/builders.ts'
import { network } from '../support/network.ts'

const address = 'https://forge.example/git/api/v1/thing'
const headers = { authorization: 'token a-personal-access-token' }

/** An API below a path of its host, at 12:00:00 for ever; the pauses that it made are in `slept`. */
function anApi({ deadline, renew }: { deadline?: number; renew?: () => boolean } = {}) {
  const slept: number[] = []
  const api = createForgeApi({
    base: new URL('https://forge.example/git/'),
    ca: null,
    clock: { now: () => at('12:00:00'), monotonic: () => 0, sleep: async (ms) => void slept.push(ms) },
    headers: () => headers,
    onCall: () => undefined,
    deadline,
    renew,
  })
  const answer = z.array(z.string())
  return {
    slept,
    read: (signal?: AbortSignal) => api.call({ path: '/api/v1/thing', answer }, signal),
    write: () => api.call({ method: 'POST', path: '/api/v1/thing', json: {}, answer }),
  }
}

/** Answers one after the other, and the last one for ever; returns how often it was asked. */
function answers(...made: (() => Response | Promise<Response>)[]): () => number {
  let asked = 0
  network.use(http.all(address, () => made[Math.min(asked++, made.length - 1)]?.()))
  return () => asked
}

const fine = () => HttpResponse.json(['fine'])
const refused = (status: number, headers?: Record<string, string>) => () => new HttpResponse(null, { status, headers })

describe('a call that is not let in (401)', () => {
  test('is sent once more with another token, a write too, for the first did nothing', async () => {
    const asked = answers(refused(401), fine)
    expect(await anApi({ renew: () => true }).write()).toMatchObject({ value: ['fine'] })
    expect(asked()).toBe(2)
  })

  test('is refused at once where there is no other token', async () => {
    const asked = answers(refused(401), fine)
    await expect(anApi({ renew: () => false }).read()).rejects.toMatchObject({ status: 401 })
    expect(asked()).toBe(1)
  })

  test('is refused when the other token is no better', async () => {
    const asked = answers(refused(401))
    await expect(anApi({ renew: () => true }).read()).rejects.toMatchObject({ status: 401 })
    expect(asked()).toBe(2)
  })
})

describe('a read', () => {
  test.each([
    ['502', refused(502)],
    ['503', refused(503)],
    ['504', refused(504)],
    ['a broken connection', () => HttpResponse.error()],
  ])('that meets %s is asked again, a little later', async (_, trouble) => {
    const { read, slept } = anApi()
    const asked = answers(trouble, trouble, fine)
    expect(await read()).toMatchObject({ value: ['fine'] })
    expect(asked()).toBe(3)
    expect(slept).toEqual([200, 1_000])
  })

  test('is given up when it fails for the third time', async () => {
    const asked = answers(refused(503), refused(502), refused(504), fine)
    await expect(anApi().read()).rejects.toMatchObject({ name: 'ForgeRefused', status: 504 })
    expect(asked()).toBe(3)
  })

  test.each([400, 401, 403, 404, 429, 500, 501])('that is refused with %i is asked once', async (status) => {
    const asked = answers(refused(status), fine)
    await expect(anApi().read()).rejects.toMatchObject({ name: expect.stringMatching(/^Forge(Refused|Limited)$/) })
    expect(asked()).toBe(1)
  })

  test('whose answer is too large is asked once', async () => {
    const asked = answers(() => new HttpResponse('x'.repeat(8 * 1024 * 1024 + 1)), fine)
    await expect(anApi().read()).rejects.toMatchObject({ name: 'ForgeUnreachable' })
    expect(asked()).toBe(1)
  })

  test('that used up its time is asked once', async () => {
    const asked = answers(() => new Promise<Response>(() => undefined), fine)
    await expect(anApi({ deadline: 20 }).read()).rejects.toMatchObject({ name: 'ForgeUnreachable' })
    expect(asked()).toBe(1)
  })

  test('that is given up is not asked again', async () => {
    const ending = new AbortController()
    const asked = answers(() => {
      ending.abort()
      return HttpResponse.error()
    }, fine)
    await expect(anApi().read(ending.signal)).rejects.toMatchObject({ name: 'ForgeUnreachable' })
    expect(asked()).toBe(1)
  })

  test('whose answer is larger than any list is left', async () => {
    answers(() => new HttpResponse(`["${' '.repeat(8 * 1024 * 1024)}"]`))
    await expect(anApi().read()).rejects.toMatchObject({
      name: 'ForgeUnreachable',
      message: expect.stringContaining('larger than'),
    })
  })
})

test('a write is sent once, whatever becomes of it', async () => {
  const asked = answers(refused(503), fine)
  await expect(anApi().write()).rejects.toMatchObject({ name: 'ForgeRefused', status: 503 })
  expect(asked()).toBe(1)
})

test.each([301, 302, 303, 307, 308, 304])('a %i is followed nowhere and proves nothing', async (status) => {
  const elsewhere: Request[] = []
  network.use(http.all('https://elsewhere.example/*', ({ request }) => void elsewhere.push(request)))
  answers(refused(status, { location: 'https://elsewhere.example/login' }))
  await expect(anApi().read()).rejects.toMatchObject({ name: 'ForgeRefused', status })
  expect(elsewhere).toEqual([])
})

test.each`
  header                             | until
  ${'90'}                            | ${'12:01:30'}
  ${'Mon, 02 Mar 2026 12:10:00 GMT'} | ${'12:10:00'}
  ${'86400'}                         | ${'13:00:00'}
  ${'0'}                             | ${'12:00:01'}
  ${'Mon, 02 Mar 2026 11:00:00 GMT'} | ${'12:00:01'}
  ${'soon'}                          | ${null}
`('a forge that is down with Retry-After "$header" is left alone until $until', async ({ header, until }) => {
  answers(refused(503, { 'retry-after': header }))
  await expect(anApi().read()).rejects.toMatchObject({ name: 'ForgeRefused', retryAt: until && at(until) })
})

describe('a path', () => {
  test('holds each name as one segment', () => {
    const [owner, name] = ['a/b', 'c?d#e f']
    expect(path`/repos/${owner}/${name}/hooks`).toBe('/repos/a%2Fb/c%3Fd%23e%20f/hooks')
  })

  test.each(['.', '..'])('never has %j for a name, which would lead elsewhere', (name) => {
    expect(() => path`/repos/acme/${name}`).toThrow('cannot be')
  })
})
