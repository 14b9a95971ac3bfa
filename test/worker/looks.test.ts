import { expect, onTestFinished, test } from 'vitest'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Scrubber } from '../../src/secret.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { TurnDeps } from '../../src/worker/deps.ts'
import { Looks } from '../../src/worker/looks.ts'
import { giteaRules } from '../support/snapshot.ts'
import { handClock } from '../support/world.ts'

const url = 'https://muster.example/webhook/main'
const second = 1_000

/** Looks at a GitHub where webhooks work and no job is open; `asked` tells in order what it was asked for. */
async function looking(recover: () => Promise<{ gap: boolean }> = async () => ({ gap: false })) {
  const store = await openSqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  await store.saveHook({ instance: 'main', url, id: '7', fingerprint: 'f', events: [], checkedAt: 0 })
  const clock = handClock()
  const asked: string[] = []
  const forge = {
    labels: giteaRules,
    probe: async () => ({ version: '1', jobs: true, runners: true, recovers: true }),
    async recover() {
      asked.push('deliveries')
      return { readings: [], watermark: 'here', ...(await recover()) }
    },
    runners: async () => ({ complete: true, runners: [] }),
    async jobs({ only }: { only: readonly string[] | null }) {
      asked.push(only === null ? 'every job' : 'open jobs')
      return { complete: true, filter: null, jobs: [] }
    },
  }
  const log = createLog({ scrubber: new Scrubber(), level: 'silent' })
  const metrics = createMetrics()
  const deps = { instance: 'main', forge, store, clock, log, metrics, hookUrl: url, targets: [], lanes: new Map() }
  const looks = new Looks(deps as unknown as TurnDeps, () => undefined)
  const look = async () => {
    looks.begin([], new AbortController().signal)
    await looks.settled()
    return asked.splice(0)
  }
  return { clock, looks, look }
}

test('the first look is at everything, later ones at what is open', async () => {
  const { clock, look } = await looking()
  expect(await look()).toEqual(['deliveries', 'every job'])
  clock.pass(60 * second)
  expect(await look()).toEqual(['deliveries', 'open jobs'])
})

test.each([
  ['more may have got lost than was read back', async () => ({ gap: true })],
  ['deliveries cannot be read back', () => Promise.reject(new Error('502'))],
])('a look is at everything when %s', async (_, trouble) => {
  let recover: () => Promise<{ gap: boolean }> = async () => ({ gap: false })
  const { clock, look } = await looking(() => recover())
  await look()
  clock.pass(60 * second)
  recover = trouble
  expect(await look()).toEqual(['deliveries', 'every job'])
})

test('deliveries are read back once a minute at most, however many looks there are', async () => {
  const { clock, look } = await looking()
  await look()
  clock.pass(59 * second)
  expect(await look()).toEqual(['open jobs'])
  clock.pass(second)
  expect(await look()).toEqual(['deliveries', 'open jobs'])
})

test('what the first look reads back was lost before this process listened', async () => {
  const { clock, looks, look } = await looking(async () => {
    clock.pass(5 * second)
    return { gap: false }
  })
  expect(looks.firstRecoveredAt).toBeNull()
  await look()
  expect(looks.firstRecoveredAt).toBe(clock.now())
  const first = clock.now()
  clock.pass(60 * second)
  await look()
  expect(looks.firstRecoveredAt).toBe(first)
})
