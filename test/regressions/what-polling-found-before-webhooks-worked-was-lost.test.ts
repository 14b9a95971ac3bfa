import { expect, test } from 'vitest'
import { lookBegan, lookEnded, nextMode, startCadence } from '../../src/core/cadence.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { rulesOf } from '../../src/worker/deps.ts'
import { aJob, aTarget, at } from '../support/builders.ts'
import { giteaRules, someFacts } from '../support/snapshot.ts'

const deps = {
  instance: 'main',
  targets: [aTarget()],
  forge: { kind: 'gitea', labels: giteaRules, rounds: { requeue: 'soon' } },
  lists: new Set<string>(),
  host: 'here',
  webhookGrace: 60_000,
} as const

test('a job that polling listed before the first job event is not lost when its grace ends in webhook mode', () => {
  const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
  const jobEvent = { nudgedAt: null, jobEventAt: at('12:00:40'), announcedSince: 0, finishedAt: new Map() }
  const began = lookBegan(startCadence(settings, at('12:00:00')), at('12:00:00'))
  const looked = lookEnded(
    began,
    { beganAt: at('12:00:00'), complete: true, jobsComplete: true, jobsFailed: false, retryAt: null },
    at('12:00:01'),
  )
  const cadence = nextMode(looked, 0, jobEvent, at('12:00:40'))
  expect(cadence.mode).toBe('webhook')

  const job = aJob({ deliveredAt: null, announcedAt: null, listedAt: at('12:00:30') })
  const facts = someFacts({ jobs: [job], signals: jobEvent })
  const state = { epoch: 1, cadence, runnersSeenAt: null, jobsListed: true, looked: true, firstRecoveredAt: null }
  const nothing = { beganAt: 0, jobs: null, runners: null, running: new Map() }
  expect(reconcile(facts, nothing, at('12:02:00'), rulesOf(deps, state, facts)).lost).toBe(0)
})
