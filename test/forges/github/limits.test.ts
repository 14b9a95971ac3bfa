import { describe, expect, test } from 'vitest'
import { createLimits, reserveOf } from '../../../src/forges/github/limits.ts'
import { aHookWish, at } from '../../support/builders.ts'
import { everything, never, openGithub } from '../../support/github-world.ts'

const minute = 60_000

const registration = (name = 'muster-1') => ({ name, labels: ['linux'], handle: null })

test('with a tenth of the quota left, looks, recovery and hooks stop until it is whole, and registrations and removals go on', async () => {
  const { github, host, clock, call } = await openGithub({ quota: 40 })
  const ours = github()
  await ours.probe(never())
  for (let used = 1; used < 36; used++) await call('GET', '/api/v3/meta')
  await ours.runners(never()).catch(() => undefined)
  const before = host.answered.length
  const limited = { name: 'ForgeLimited', retryAt: expect.any(Number) }
  const query = { hook: '1', since: null, received: async () => new Set<string>() }
  await expect(ours.jobs(everything, never())).rejects.toMatchObject(limited)
  await expect(ours.runners(never())).rejects.toMatchObject(limited)
  await expect(ours.recover?.(query, never())).rejects.toMatchObject(limited)
  await expect(ours.ensureHook?.({ ...aHookWish(), known: null }, never())).rejects.toMatchObject(limited)
  expect(host.answered).toHaveLength(before)
  expect(await ours.register(registration(), never())).toMatchObject({ kind: 'jit' })
  expect(await ours.unregister({ id: '1', name: 'muster-1' }, never())).toBe('removed')
  clock.pass(61 * minute)
  expect(await ours.runners(never())).toMatchObject({ complete: true })
})

test('the reserve is a tenth, at most 500', () => {
  expect([60, 5_000, 15_000].map(reserveOf)).toEqual([6, 500, 500])
})

test('an Enterprise Server that tells of no limits is never held back', async () => {
  const { github, host } = await openGithub({ server: '3.17.0' })
  const ours = github()
  for (let look = 0; look < 30; look++) await ours.jobs(everything, never())
  expect(host.answered.filter((line) => !/ (?:200|304)$/.test(line))).toEqual([])
})

describe('a secondary limit', () => {
  test('closes every call until it says, registrations too, and none is sent meanwhile', async () => {
    const { github, host, clock } = await openGithub()
    const ours = github()
    host.secondary = { until: clock.now() + 90_000, tells: true }
    const until = clock.now() + 90_000
    await expect(ours.runners(never())).rejects.toMatchObject({ name: 'ForgeLimited', retryAt: until })
    await expect(ours.register(registration(), never())).rejects.toMatchObject({ name: 'ForgeLimited', retryAt: until })
    expect(host.answered).toHaveLength(1)
    clock.pass(91_000)
    expect(await ours.runners(never())).toMatchObject({ complete: true })
  })

  test('that names no time closes for a minute, then for two, four, and after a good answer for one again', async () => {
    const { github, host, clock } = await openGithub()
    const ours = github()
    const waits: number[] = []
    const refused = async () => {
      host.secondary = { until: clock.now() + 1, tells: false }
      const error = await ours.runners(never()).catch((error: { retryAt: number }) => error)
      const wait = ('retryAt' in (error ?? {}) ? (error as { retryAt: number }).retryAt : 0) - clock.now()
      waits.push(wait / minute)
      clock.pass(wait)
    }
    for (let times = 0; times < 4; times++) await refused()
    host.secondary = null
    await ours.runners(never())
    await refused()
    expect(waits).toEqual([1, 2, 4, 8, 1])
  })

  test('that refuses several calls under way counts once', () => {
    const limits = createLimits({ now: () => at('12:00:00') })
    const refusal = { status: 403, headers: {}, body: 'You have exceeded a secondary rate limit.' }
    for (let calls = 0; calls < 4; calls++) limits.note(refusal)
    expect(limits.closedUntil).toBe(at('12:01:00'))
  })
})

test('answers that overtake each other do not raise what remains', () => {
  const limits = createLimits({ now: () => at('12:00:00') })
  const answer = (remaining: number) => ({
    status: 200,
    body: '',
    headers: {
      'x-ratelimit-limit': '100',
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(at('12:30:00') / 1_000),
    },
  })
  for (const remaining of [50, 10, 11]) limits.note(answer(remaining))
  expect(limits.core).toEqual({ limit: 100, remaining: 10, resetAt: at('12:30:00') })
  expect(() => limits.admit('GET /x', { urgent: false, resource: 'core' })).toThrow('rate limited until')
  expect(() => limits.admit('POST /x', { urgent: true, resource: 'core' })).not.toThrow()
})
