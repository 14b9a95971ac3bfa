import type { Clock } from '../clock.ts'
import { type Cadence, type CadenceSettings, firstJobEvent, fitMode, lookEnded, startCadence } from '../core/cadence.ts'
import type { Facts, FactsQuery } from '../core/facts.ts'
import type { Look } from '../core/look.ts'
import type { ReconcileRules } from '../core/reconcile.ts'
import type { Scope } from '../core/scope.ts'
import type { Target } from '../core/target.ts'
import type { Forge } from '../forges/forge.ts'
import type { Ids } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Store } from '../store/store.ts'
import type { Traces } from '../traces.ts'
import type { Lane } from './lane.ts'
import type { Observation } from './observe.ts'

/** What a turn works with. One per instance, made anew when the configuration changes. */
export interface TurnDeps {
  instance: string
  scope: Scope
  forge: Forge
  targets: readonly Target[]
  /** The dispatcher API as this instance serves it; null where it is not offered. `maxParallel` holds over all instances, null is without limit. */
  api: { dispatcher: string; maxParallel: number | null } | null
  /** The same forge with a scope inside the instance's own, for the credential of a runner that is asked for there. */
  forgeAt: (scope: Scope) => Pick<Forge, 'register'>
  store: Store
  /** By dispatcher name: those that this instance's targets use. */
  lanes: ReadonlyMap<string, Lane>
  /** By dispatcher name, over all instances; absent means without limit. */
  maxParallel: ReadonlyMap<string, number>
  stoppable: ReadonlySet<string>
  lists: ReadonlySet<string>
  owner: string
  host: string
  /** Decide and tell, start nothing. */
  dryRun: boolean
  /** When the state began anew; null where it did not, see `Snapshot`. */
  rebuiltAt: number | null
  /** The URL of the webhook that we keep; null where we keep none. */
  hookUrl: string | null
  /** Milliseconds. */
  webhookGrace: number
  /** Dispatches whose idle runner is being ended right now, and names of registrations that are being removed. */
  retiring: Set<string>
  clock: Clock
  ids: Ids
  log: Log
  metrics: Metrics
  traces: Pick<Traces, 'tell'>
}

/** What a worker knows between its turns. */
export interface TurnState {
  epoch: number
  cadence: Cadence
  /** When the last complete look of runners began. */
  runnersSeenAt: number | null
  /** Whether the forge has a job list; believed until a look tells otherwise. */
  jobsListed: boolean
  /** The first look has ended, well or not: from then on `min_idle` is topped up. */
  looked: boolean
  /** When this process had first read lost deliveries back; null before that. */
  firstRecoveredAt: number | null
}

/** What a worker knows when it begins to work an instance. */
export function startState(epoch: number, settings: CadenceSettings, now: number): TurnState {
  return {
    epoch,
    cadence: startCadence(settings, now),
    runnersSeenAt: null,
    jobsListed: true,
    looked: false,
    firstRecoveredAt: null,
  }
}

/** With what a look that has ended tells of the forge and of the next look. */
export function afterLook(
  state: TurnState,
  { result, capabilities, jobsListed }: Pick<Observation, 'result' | 'capabilities' | 'jobsListed'>,
  settings: CadenceSettings,
  now: number,
): TurnState {
  const ended = lookEnded(state.cadence, result, now)
  const cadence = capabilities ? fitMode(ended, settings, capabilities.jobs || !capabilities.runners) : ended
  return { ...state, cadence, jobsListed: jobsListed ?? state.jobsListed, looked: true }
}

/** More than any target's `max`, so that what lies beyond the window is full for sure. */
const slack = 200

/** How many queued jobs of a target a turn reads at most. */
export function widest(targets: readonly Target[]): number {
  return Math.max(0, ...targets.map(({ max }) => max)) + slack
}

export function windowOf(deps: TurnDeps, { cadence }: TurnState, look: Look, now: number): FactsQuery {
  return {
    window: look.jobs ? null : widest(deps.targets),
    ids: look.jobs?.jobs.map(({ id }) => id) ?? [],
    since: cadence.distrustedSince ?? now,
    listedSince: Math.max(cadence.startedAt, now - 2 * deps.webhookGrace),
  }
}

/** What the rules of a reconciliation are made of. */
type RuleDeps = Pick<TurnDeps, 'instance' | 'targets' | 'lists' | 'host' | 'webhookGrace'> & {
  forge: Pick<Forge, 'kind' | 'labels' | 'rounds'>
}

export function rulesOf(deps: RuleDeps, state: TurnState, known: Facts): ReconcileRules {
  const { cadence } = state
  return {
    instance: deps.instance,
    targets: deps.targets,
    labels: deps.forge.labels,
    rounds: deps.forge.rounds,
    jobsListed: state.jobsListed,
    lists: deps.lists,
    host: deps.host,
    runnersSeenAt: state.runnersSeenAt,
    loss: {
      grace: deps.webhookGrace,
      firstLookAt: cadence.firstLookAt,
      firstRecoveredAt: state.firstRecoveredAt,
      firstJobEventAt: firstJobEvent(cadence, known.signals),
      // Polling finds jobs of the time before webhooks worked; a Forgejo may never send a job event.
      needsJobEvent: cadence.mode !== 'webhook_only' || deps.forge.kind === 'forgejo',
    },
  }
}
