import type { Facts } from '../../src/core/facts.ts'
import { jobKey, type ToldJob } from '../../src/core/job.ts'
import type { JobList, Look } from '../../src/core/look.ts'
import { type ReconcileRules, reconcile } from '../../src/core/reconcile.ts'
import type { SeenRunner } from '../../src/core/runner.ts'
import { aTarget, at } from './builders.ts'
import { giteaRules, someFacts } from './snapshot.ts'

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
    loss: {
      grace: 60_000,
      firstLookAt: at('11:00:00'),
      firstRecoveredAt: null,
      firstJobEventAt: at('11:00:00'),
      needsJobEvent: true,
    },
    ...over,
  }
}

/** No look: only what was told since. */
export const nothingSeen: Look = { beganAt: 0, jobs: null, runners: null, running: new Map() }

/** A complete list of runners, idle ones for `linux` unless a test says otherwise. */
export function seenRunners(beganAt: number, runners: readonly Partial<SeenRunner>[]): Look {
  return runnersAt(beganAt, runners.map(seen))
}

/** A list of jobs, complete and unfiltered unless a test says otherwise. */
export function listed(beganAt: number, jobs: readonly ToldJob[], over: Partial<JobList> = {}): Look {
  return { ...nothingSeen, beganAt, jobs: { complete: true, filter: null, jobs, ...over } }
}

export function seen(over: Partial<SeenRunner> = {}): SeenRunner {
  return { id: '7', name: 'r1', labels: ['linux'], state: 'idle', ephemeral: true, ...over }
}

export function runnersAt(beganAt: number, runners: readonly SeenRunner[], complete = true): Look {
  return { ...nothingSeen, beganAt, runners: { complete, runners } }
}

/** What a look brings to what is known. */
export function bring(
  known: Parameters<typeof someFacts>[0],
  look: Look,
  now: number,
  over: Partial<ReconcileRules> = {},
) {
  return reconcile(someFacts(known), look, now, someRules(over))
}

/** `4711/1 queued`, for each job. */
export function states(facts: Facts): string[] {
  return facts.jobs.map((job) => `${jobKey(job)} ${job.state}`)
}
