import type { Look } from '../../src/core/look.ts'
import type { ReconcileRules } from '../../src/core/reconcile.ts'
import type { SeenRunner } from '../../src/core/runner.ts'
import { aTarget, at } from './builders.ts'
import { giteaRules } from './snapshot.ts'

/** A Gitea since 11:00:00 with webhooks that work, and the target `linux` on a dispatcher that lists nothing. */
export function someRules(over: Partial<ReconcileRules> = {}): ReconcileRules {
  return {
    instance: 'main',
    targets: [aTarget()],
    labels: giteaRules,
    rounds: { requeue: 'late' },
    jobsListed: true,
    lists: new Set(),
    host: 'here',
    runnersSeenAt: null,
    loss: { grace: 60_000, firstLookAt: at('11:00:00'), firstJobEventAt: at('11:00:00'), needsJobEvent: true },
    ...over,
  }
}

/** No look: only what was told since. */
export const nothingSeen: Look = { beganAt: 0, jobs: null, runners: null, running: new Map() }

/** A complete list of runners, idle ones for `linux` unless a test says otherwise. */
export function seenRunners(beganAt: number, runners: readonly Partial<SeenRunner>[]): Look {
  const seen = runners.map(
    (over): SeenRunner => ({ id: '7', name: 'r1', labels: ['linux'], state: 'idle', ephemeral: true, ...over }),
  )
  return { ...nothingSeen, beganAt, runners: { complete: true, runners: seen } }
}
