import type { Dispatch } from '../core/dispatch.ts'
import type { Facts } from '../core/facts.ts'
import type { Job } from '../core/job.ts'
import { verdictChanges } from '../core/kept-verdicts.ts'
import { type Leftover, leftovers, offlineOurs } from '../core/leftover.ts'
import type { Look } from '../core/look.ts'
import { type Plan, plan } from '../core/plan.ts'
import { reconcile } from '../core/reconcile.ts'
import { act } from './act.ts'
import { rulesOf, type TurnDeps, type TurnState, widest, windowOf } from './deps.ts'

export interface TurnResult {
  facts: Facts
  plan: Plan
  /** Webhooks that this turn found lost. */
  lost: number
  runnersSeenAt: number | null
  /** Something in the trail is new. */
  news: boolean
  /** Jobs that were first taken for running. */
  started: readonly Job[]
  /** Dispatches whose runner showed itself. */
  shown: readonly Dispatch[]
  /** The verdicts, with those of jobs that a shared limit kept back. */
  verdicts: Plan['verdicts']
  /** Dispatches that were written. */
  dispatched: number
  /** Requests of the dispatcher API that wait on. */
  waiting: number
}

/**
 * One turn: recorded facts, what a look saw if one has come back, a plan from that one snapshot, and its dispatches. Nothing else decides.
 * Start reading here.
 */
export async function turn(deps: TurnDeps, state: TurnState, look: Look): Promise<TurnResult> {
  const now = deps.clock.now()
  const known = await deps.store.facts(deps.instance, windowOf(deps, state, look, now))
  const { facts, changes, lost, runnersSeenAt, started } = reconcile(known, look, now, rulesOf(deps, state, known))
  await deps.store.save(deps.instance, state.epoch, changes)
  const decision = plan({ ...deps, ...state, facts, now, rules: deps.forge.labels, runnersSeenAt })
  const left = await leftBehind(deps, look, now)
  const { dispatched, requested, verdicts } = await act(deps, state.epoch, decision, left, now)
  await keepVerdicts(deps, state.epoch, { facts, verdicts, now })
  return {
    facts,
    plan: decision,
    lost,
    runnersSeenAt,
    started,
    news: changes.events.length > 0,
    shown: changes.dispatches.filter(({ tiedAt }) => tiedAt === now),
    verdicts,
    dispatched,
    waiting: facts.requests.length - requested,
  }
}

/** Says why each job waits, for everyone who asks, now and after a restart. */
async function keepVerdicts(
  { store, instance, targets }: TurnDeps,
  epoch: number,
  found: Pick<TurnResult, 'facts' | 'verdicts'> & { now: number },
): Promise<void> {
  const changes = verdictChanges({ ...found, instance, targets, window: widest(targets) })
  if (changes.verdicts.length > 0 || changes.beyond !== null) await store.saveVerdicts(instance, epoch, changes)
}

/** Registrations in a look whose dispatch is over. */
async function leftBehind({ store, instance, owner }: TurnDeps, look: Look, now: number): Promise<Leftover[]> {
  const offline = offlineOurs(look.runners, owner)
  return offline.size === 0 ? [] : leftovers(offline, await store.ended(instance, [...offline.keys()]), now)
}
