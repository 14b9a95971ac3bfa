import { expect, test } from 'vitest'
import { startCadence } from '../../src/core/cadence.ts'
import type { ForgeKind } from '../../src/forges/forge.ts'
import { rulesOf } from '../../src/worker/deps.ts'
import { at } from '../support/builders.ts'
import { giteaRules, someFacts } from '../support/snapshot.ts'

const needsJobEvent = (kind: ForgeKind, disablePolling: boolean) => {
  const settings = { disablePolling, pollInterval: 30_000, reconcileInterval: 300_000 }
  const cadence = startCadence(settings, at('12:00:00'))
  const forge = { kind, labels: giteaRules, rounds: { requeue: 'soon' as const } }
  const deps = { instance: 'main', targets: [], lists: new Set<string>(), host: 'here', webhookGrace: 60_000, forge }
  const state = { epoch: 1, cadence, runnersSeenAt: null, jobsListed: true, looked: true, firstRecoveredAt: null }
  return rulesOf(deps, state, someFacts()).loss.needsJobEvent
}

test.each`
  kind         | disablePolling | needed
  ${'gitea'}   | ${false}       | ${true}
  ${'gitea'}   | ${true}        | ${false}
  ${'github'}  | ${true}        | ${false}
  ${'forgejo'} | ${true}        | ${true}
`('on $kind with disable_polling $disablePolling it is $needed that a first job event comes before any loss', (row) => {
  expect(needsJobEvent(row.kind, row.disablePolling)).toBe(row.needed)
})
