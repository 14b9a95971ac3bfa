import { expect, onTestFinished, test } from 'vitest'
import type { JobState } from '../../src/core/job.ts'
import type { Reading } from '../../src/forges/forge.ts'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { type RecoveryDeps, recover } from '../../src/worker/recover.ts'
import { aTarget, aToldJob } from '../support/builders.ts'
import { giteaRules } from '../support/snapshot.ts'
import { handClock } from '../support/world.ts'

const url = 'https://muster.example/webhook/main'
const told = (state: JobState): Reading => {
  const jobs = [aToldJob({ id: '1', labels: ['linux'], state })]
  return { kind: 'jobs', id: `delivery-${state}`, event: 'workflow_job', secret: null, jobs }
}

// Each was committed by itself, and rang. After an hour of downtime the turns in between asked for a runner for each of its jobs.
test('of deliveries that are read back together no turn sees the first without the last', async () => {
  const store = await openSqliteStore({ path: ':memory:' })
  onTestFinished(() => store.close())
  await store.saveHook({ instance: 'main', url, id: '7', fingerprint: 'f', events: [], checkedAt: 0 })
  const seen: Promise<JobState | undefined>[] = []
  store.onBell(() => seen.push(store.job('main', '1').then((job) => job?.state)))
  const readings = [told('queued'), told('running'), told('finished')]
  const deps = {
    forge: { labels: giteaRules, recover: async () => ({ readings, watermark: 'here', gap: false }) },
    store,
    instance: 'main',
    targets: [aTarget()],
    hookUrl: url,
    clock: handClock(),
    log: createLog({ scrubber: new Scrubber(), level: 'silent' }),
  }
  expect(await recover(deps as unknown as RecoveryDeps, new AbortController().signal)).toMatchObject({ found: 3 })
  expect(await Promise.all(seen)).toEqual(['finished'])
})
