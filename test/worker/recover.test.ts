import { expect, test } from 'vitest'
import type { Reading, Recovered } from '../../src/forges/forge.ts'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { type RecoveryDeps, recover } from '../../src/worker/recover.ts'
import { aTarget, aToldJob } from '../support/builders.ts'
import { giteaRules } from '../support/snapshot.ts'
import { handClock } from '../support/world.ts'

const never = new AbortController().signal
const url = 'https://muster.example/webhook/main'
const aReading = (id: string): Reading => ({
  kind: 'jobs',
  id,
  event: 'workflow_job',
  secret: null,
  jobs: [aToldJob({ id, labels: ['linux'] })],
})

/** A forge that kept these deliveries for our hook. */
async function aPlace(answers: (Partial<Recovered> | Error)[], hook: string | null = '7') {
  const store = await openSqliteStore({ path: ':memory:' })
  const asked: { hook: string; since: string | null }[] = []
  if (hook) await store.saveHook({ instance: 'main', url, id: hook, fingerprint: 'f', events: [], checkedAt: 0 })
  const deps = {
    forge: {
      labels: giteaRules,
      async recover({ hook, since }: { hook: string; since: string | null }) {
        asked.push({ hook, since })
        const answer = answers.shift() ?? {}
        if (answer instanceof Error) throw answer
        return { readings: [], watermark: 'here', gap: false, ...answer }
      },
    },
    store,
    instance: 'main',
    targets: [aTarget()],
    hookUrl: url,
    clock: handClock(),
    log: createLog({ scrubber: new Scrubber(), level: 'silent' }),
  }
  return { store, asked, recover: () => recover(deps as unknown as RecoveryDeps, never) }
}

test('what was read back is recorded like any other delivery, but for how it came', async () => {
  const { store, recover } = await aPlace([{ readings: [aReading('1')] }])
  expect(await recover()).toEqual({ found: 1, gap: false })
  expect(await store.job('main', '1')).toMatchObject({ state: 'queued', target: 'linux', announcedAt: null })
  expect(await store.job('main', '1')).toMatchObject({ recoveredAt: expect.any(Number) })
  expect((await store.deliveries('main')).lastAt).toBeNull()
})

test('the next time goes on where the last one ended', async () => {
  const { asked, recover } = await aPlace([{ watermark: 'here' }, { watermark: null }, {}])
  await recover()
  await recover()
  await recover()
  expect(asked).toEqual([
    { hook: '7', since: null },
    { hook: '7', since: 'here' },
    { hook: '7', since: 'here' },
  ])
})

test('a delivery that came over HTTP after all is found once', async () => {
  const { recover } = await aPlace([{ readings: [aReading('1')] }, { readings: [aReading('1')] }])
  expect(await recover()).toEqual({ found: 1, gap: false })
  expect(await recover()).toEqual({ found: 0, gap: false })
})

test('after a failure everything since the last success is read back', async () => {
  const { store, asked, recover } = await aPlace([{}, new Error('503'), {}])
  await recover()
  await expect(recover()).rejects.toThrow('503')
  await recover()
  expect(asked.map(({ since }) => since)).toEqual([null, 'here', 'here'])
  expect(await store.watermark('main', '7')).toBe('here')
})

test('without a hook of ours there is nothing to read back', async () => {
  const { asked, recover } = await aPlace([], null)
  expect(await recover()).toBeNull()
  expect(asked).toEqual([])
})
