import { HttpResponse, http } from 'msw'
import { describe, expect, test } from 'vitest'
import { ForgeError } from '../../src/forges/errors.ts'
import type { CheckQuery, Forge } from '../../src/forges/forge.ts'
import { aHookWish } from '../support/builders.ts'
import { network } from '../support/network.ts'
import type { ForgeWorld, WorldState } from './contract.ts'

const never = () => new AbortController().signal
const wish = aHookWish()
const hook = { id: 1, url: wish.url, secret: 'theirs', active: true, events: ['workflow_job'] }
const checkQuery: CheckQuery = {
  labels: ['linux'],
  hook: wish,
  registers: true,
  isolated: false,
  looksPerHour: { polling: 120, reconciling: 12 },
}

const answers: [string, () => HttpResponse<string>][] = [
  ['a login page', () => HttpResponse.html('<html>Sign in</html>')],
  ['a broken body', () => new HttpResponse('{"total_count":0,"jobs":[')],
  ['an empty body', () => new HttpResponse('')],
  ['an object of something else', () => new HttpResponse('{"status":"ok"}')],
  ['a redirect', () => new HttpResponse('', { status: 302, headers: { location: 'https://elsewhere.example' } })],
  ...[400, 401, 403, 404, 405, 409, 410, 422, 429, 500].map((status): [string, () => HttpResponse<string>] => [
    `a ${status}`,
    () => new HttpResponse('{"message":"no"}', { status }),
  ]),
]

/** What every forge makes of answers that are none: an error by name, and no conclusion. */
export function badAnswersContract(
  name: string,
  world: ForgeWorld,
  open: (state?: Partial<WorldState>) => Forge,
): void {
  const answerAll = (answer: () => HttpResponse<string>) => network.use(http.all(`${world.base}/*`, answer))
  const register = (forge: Forge) => forge.register({ name: 'muster-1', labels: ['linux'], handle: null }, never())
  const calls: [string, (forge: Forge) => Promise<unknown>][] = [
    ['jobs', (forge) => forge.jobs({ labels: ['linux'], only: null }, never())],
    ['runners', (forge) => forge.runners(never())],
    ['register', register],
    ['probe', (forge) => forge.probe(never())],
    ['ensureHook', async (forge) => forge.ensureHook?.(wish, never())],
  ]

  describe(`${name}, like every forge, fails by name: a call`, () => {
    test.each(calls.flatMap(([call, ask]) => [401, 403, 500].map((status) => ({ call, ask, status }))))(
      '$call refused with $status is a ForgeRefused',
      async ({ ask, status }) => {
        const forge = open()
        answerAll(() => new HttpResponse('{"message":"no"}', { status }))
        const error = await ask(forge).catch((error: unknown) => error)
        expect(error).toMatchObject({ name: 'ForgeRefused', status })
        expect(String(error)).not.toContain(world.token)
      },
    )

    test.each(calls)('%s answered by a login page is a ForgeMisshapen', async (_, ask) => {
      const forge = open()
      answerAll(() => HttpResponse.html('<html>Sign in</html>'))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeMisshapen' })
    })

    test.each(calls)('%s answered by half a body is a ForgeMisshapen', async (_, ask) => {
      const forge = open()
      answerAll(() => new HttpResponse('[{"id":1,'))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeMisshapen' })
    })

    test.each(calls)('%s answered by a bare word is a ForgeMisshapen', async (_, ask) => {
      const forge = open()
      answerAll(() => new HttpResponse('"fine"'))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeMisshapen' })
    })

    test.each(calls)('%s sent too often is a ForgeLimited that says until when', async (_, ask) => {
      const forge = open()
      answerAll(() => new HttpResponse('', { status: 429, headers: { 'retry-after': '30' } }))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeLimited', retryAt: expect.any(Number) })
    })

    test.each(calls)('%s sent too often is a ForgeLimited, though no time is named', async (_, ask) => {
      const forge = open()
      answerAll(() => new HttpResponse('', { status: 429 }))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeLimited', retryAt: expect.any(Number) })
    })

    // Whoever is redirected takes the token along.
    test.each(calls)('%s sent elsewhere by the forge goes nowhere', async (_, ask) => {
      const forge = open()
      const followed: string[] = []
      network.use(
        http.all('https://elsewhere.example/*', ({ request }) => {
          followed.push(request.url)
          return new HttpResponse('{}')
        }),
      )
      answerAll(() => new HttpResponse('', { status: 307, headers: { location: 'https://elsewhere.example/api' } }))
      await expect(ask(forge)).rejects.toMatchObject({ name: 'ForgeRefused', status: 307 })
      expect(followed).toEqual([])
    })

    test('a body without an end is cut off, and is no answer', async () => {
      const forge = open()
      answerAll(() => new HttpResponse('['.padEnd(9 * 1024 * 1024)))
      await expect(register(forge)).rejects.toMatchObject({ name: 'ForgeUnreachable' })
    })

    test('jobs without any answer is a ForgeUnreachable', async () => {
      const forge = open()
      network.use(http.all(`${world.base}/*`, () => HttpResponse.error()))
      await expect(forge.jobs({ labels: ['linux'], only: null }, never())).rejects.toMatchObject({
        name: 'ForgeUnreachable',
      })
    })

    test('carries the token', async () => {
      const forge = open()
      const authorized: boolean[] = []
      network.use(
        http.all(`${world.base}/*`, ({ request }) => {
          authorized.push(request.headers.get('authorization')?.includes(world.token) ?? false)
        }),
      )
      await forge.jobs({ labels: ['linux'], only: null }, never())
      expect(new Set(authorized)).toEqual(new Set([true]))
    })
  })

  describe(`${name}, like every forge, concludes nothing from`, () => {
    test.each(answers)('%s: no job and no runner is proven to be gone', async (_, answer) => {
      const forge = open({ jobs: 2, runners: 2 })
      answerAll(answer)
      for (const list of [forge.jobs({ labels: ['linux'], only: null }, never()), forge.runners(never())]) {
        const told = await list.catch((error: unknown) => error)
        if (told instanceof Error) expect(told).toBeInstanceOf(ForgeError)
        else expect(told).not.toEqual(expect.objectContaining({ complete: true }))
      }
    })

    test.each(answers)('%s: no webhook is made or removed, and no runner is registered', async (_, answer) => {
      const hooks = [{ ...hook }]
      const forge = open({ hooks })
      answerAll(answer)
      await expect(register(forge)).rejects.toBeInstanceOf(ForgeError)
      await expect(forge.ensureHook?.(wish, never())).rejects.toBeInstanceOf(ForgeError)
      expect(hooks).toEqual([hook])
    })

    test.each(answers)('%s: a check finds something to mend, and never rejects', async (_, answer) => {
      const forge = open()
      answerAll(answer)
      const findings = await forge.check?.(checkQuery, never())
      if (!findings) return
      expect(findings.filter(({ level }) => level === 'problem' || level === 'warning')).not.toEqual([])
      expect(JSON.stringify(findings)).not.toContain(world.token)
    })
  })
}
