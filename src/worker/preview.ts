import { startCadence } from '../core/cadence.ts'
import type { Facts } from '../core/facts.ts'
import { jobKey } from '../core/job.ts'
import { plan } from '../core/plan.ts'
import { reconcile } from '../core/reconcile.ts'
import type { VerdictKind } from '../core/verdict.ts'
import { rulesOf, type TurnDeps, type TurnState } from './deps.ts'
import { observe } from './observe.ts'

/** What one look would lead to; for people and, as it is, for machines. */
export interface PlannedInstance {
  instance: string
  forge: string
  version: string | null
  /** The first thing that could not be seen; null when everything could. */
  error: string | null
  /** How many runners the forge listed. */
  runners: number
  jobs: {
    id: string
    name: string
    repository: string | null
    labels: readonly string[]
    state: string
    target: string | null
    verdict: VerdictKind | null
    reason: string | null
  }[]
  wanted: { target: string; count: number }[]
}

const nothingKnown: Facts = {
  jobs: [],
  beyond: new Map(),
  dispatches: [],
  requests: [],
  runners: [],
  backoffs: new Map(),
  paused: false,
  kept: { verdicts: new Map(), beyond: new Set() },
  signals: { nudgedAt: null, jobEventAt: null, announcedSince: 0, finishedAt: new Map() },
}

/** A turn that knows nothing but its own look, and does nothing. */
export async function preview(deps: TurnDeps, signal: AbortSignal): Promise<PlannedInstance> {
  const seen = await observe(deps, { known: null, only: null, recover: null }, signal)
  const now = deps.clock.now()
  const settings = { disablePolling: false, pollInterval: 0, reconcileInterval: 0 }
  const state: TurnState = {
    epoch: 0,
    cadence: startCadence(settings, now),
    runnersSeenAt: null,
    jobsListed: seen.jobsListed ?? true,
    looked: true,
    firstRecoveredAt: null,
  }
  const { facts, runnersSeenAt } = reconcile(nothingKnown, seen.look, now, rulesOf(deps, state, nothingKnown))
  const { wanted, verdicts } = plan({
    ...deps,
    facts,
    now,
    rules: deps.forge.labels,
    runnersSeenAt,
    looked: true,
    jobsListed: state.jobsListed,
  })
  const counts = Map.groupBy(wanted, ({ target }) => target)
  return {
    instance: deps.instance,
    forge: deps.forge.kind,
    version: seen.capabilities?.version ?? null,
    error: seen.error,
    runners: seen.look.runners?.runners.length ?? 0,
    jobs: facts.jobs.map((job) => {
      const { id, name, repository, labels, state, target } = job
      const verdict = verdicts.get(jobKey(job))
      return {
        id,
        name,
        repository,
        labels,
        state,
        target,
        verdict: verdict?.kind ?? null,
        reason: verdict?.reason ?? null,
      }
    }),
    wanted: [...counts].map(([target, list]) => ({ target, count: list.length })),
  }
}
