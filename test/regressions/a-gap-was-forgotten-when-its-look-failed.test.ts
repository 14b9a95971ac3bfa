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
const minute = 60_000

/** Looks at a GitHub whose next answers are these; they tell what was asked of it each time. */
async function looking(answers: { gap: boolean; jobs: 'listed' | 'refused' }[]) {
  const store = await openSqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  await store.saveHook({ instance: 'main', url, id: '7', fingerprint: 'f', events: [], checkedAt: 0 })
  const clock = handClock()
  const asked: string[] = []
  let now = answers[0]
  const forge = {
    labels: giteaRules,
    probe: async () => ({ version: '1', jobs: true, runners: true, recovers: true }),
    recover: async () => ({ readings: [], watermark: 'here', gap: now?.gap ?? false }),
    runners: async () => ({ complete: true, runners: [] }),
    async jobs({ only }: { only: readonly string[] | null }) {
      asked.push(only === null ? 'everything' : 'what is open')
      if (now?.jobs === 'refused') throw new Error('502')
      return { complete: true, filter: null, jobs: [] }
    },
  }
  const log = createLog({ scrubber: new Scrubber(), level: 'silent' })
  const deps = {
    instance: 'main',
    forge,
    store,
    clock,
    log,
    hookUrl: url,
    targets: [],
    lanes: new Map(),
    metrics: createMetrics(),
  }
  const looks = new Looks(deps as unknown as TurnDeps, () => undefined)
  for (const answer of answers) {
    now = answer
    looks.begin([], new AbortController().signal)
    await looks.settled()
    clock.pass(2 * minute)
  }
  return asked
}

const fine = { gap: false, jobs: 'listed' } as const

test('a gap makes one look at everything', async () => {
  expect(await looking([fine, fine, { ...fine, gap: true }, fine])).toEqual([
    'everything',
    'what is open',
    'everything',
    'what is open',
  ])
})

// The watermark had moved past the gap by then: the next look asked for open jobs alone, and nobody ever saw what had got lost.
test('a look at everything that failed is made up for', async () => {
  expect(await looking([fine, { gap: true, jobs: 'refused' }, { ...fine, jobs: 'refused' }, fine, fine])).toEqual([
    'everything',
    'everything',
    'everything',
    'everything',
    'what is open',
  ])
})
