import { type Dispatch, runnerName } from '../core/dispatch.ts'
import { type Job, jobKey } from '../core/job.ts'
import type { Leftover } from '../core/leftover.ts'
import type { Plan } from '../core/plan.ts'
import type { Wanted } from '../core/snapshot.ts'
import type { Target } from '../core/target.ts'
import type { Verdict } from '../core/verdict.ts'
import type { TurnDeps } from './deps.ts'
import type { Lane, Order } from './lane.ts'
import { clearAway, retire } from './retire.ts'

export interface Acted {
  dispatched: number
  verdicts: Plan['verdicts']
}

/** Carries a plan out: each dispatch is a row before its lane makes the call; calls and stops go on behind the turn. */
export async function act(
  deps: TurnDeps,
  epoch: number,
  plan: Plan,
  left: readonly Leftover[],
  now: number,
): Promise<Acted> {
  if (deps.dryRun) return { dispatched: 0, verdicts: plan.verdicts }
  for (const stop of plan.stops) retire(deps, stop)
  if (left.length > 0) clearAway(deps, left)
  if (plan.wanted.length === 0) return { dispatched: 0, verdicts: plan.verdicts }

  const intents = plan.wanted.flatMap((wanted) => intent(deps, wanted, now))
  const limits = { targets: new Map(deps.targets.map(({ name, max }) => [name, max])), dispatchers: deps.maxParallel }
  const written = await deps.store.intend(deps.instance, epoch, intents, limits)
  const asking = new Map(plan.wanted.flatMap(({ job }) => (job ? [[jobKey(job), job]] : [])))
  for (const dispatch of written) {
    const job = dispatch.job && (asking.get(jobKey(dispatch.job)) ?? null)
    deps.lanes.get(dispatch.dispatcher)?.add(order(deps, dispatch, job))
  }
  return { dispatched: written.length, verdicts: withKeptBack(plan.verdicts, intents, written) }
}

function intent(deps: TurnDeps, { target: name, job }: Wanted, now: number): Dispatch[] {
  const target = deps.targets.find((candidate) => candidate.name === name)
  const lane = target && deps.lanes.get(target.dispatcher)
  if (!target || !lane) return []
  const { traits } = lane
  const id = deps.ids()
  return [
    {
      id,
      instance: deps.instance,
      target: target.name,
      dispatcher: target.dispatcher,
      job: job && { id: job.id, round: job.round },
      // Only a credential of ours can bind a runner to one round.
      handle: traits.credentials === 'ours' ? (job?.handle ?? null) : null,
      state: 'intended',
      labels: target.labels,
      offers: target.offers,
      named: traits.names,
      runnerName: traits.names ? runnerName(deps.owner, id) : null,
      host: traits.local ? deps.host : null,
      ttl: target.ttl,
      bootTimeout: target.bootTimeout,
      idleTimeout: target.idleTimeout,
      intendedAt: now,
      sentAt: null,
      answeredAt: null,
      late: false,
      runner: null,
      tiedBy: null,
      tiedAt: null,
      ran: null,
      coverEndedAt: null,
      coverEndedBy: null,
      goneAt: null,
      goneReason: null,
      reason: null,
      version: 0,
    },
  ]
}

function order(deps: TurnDeps, dispatch: Dispatch, job: Job | null): Order {
  const target = deps.targets.find(({ name }) => name === dispatch.target) as Target
  const { traits } = deps.lanes.get(dispatch.dispatcher) as Lane
  const name = runnerName(deps.owner, dispatch.id)
  return {
    dispatch,
    log: deps.log,
    async prepare(signal) {
      const { labels, handle } = dispatch
      const credential =
        traits.credentials === 'ours' ? await deps.forge.register({ name, labels, handle }, signal) : null
      return {
        id: dispatch.id,
        instance: deps.instance,
        target: target.name,
        name,
        labels,
        ttl: dispatch.ttl,
        machineType: target.machineType,
        image: target.image,
        env: target.env,
        scope: deps.scope,
        job: job && `${deps.instance}/${job.id}`,
        about: job && { repository: job.repository, runId: job.runId, delivery: job.announcedBy },
        credential,
      }
    },
  }
}

/** Jobs whose dispatch a limit shared with others did not admit say so. */
function withKeptBack(
  verdicts: Plan['verdicts'],
  intents: readonly Dispatch[],
  written: readonly Dispatch[],
): Plan['verdicts'] {
  if (written.length === intents.length) return verdicts
  const admitted = new Set(written.map(({ id }) => id))
  const changed = new Map(verdicts)
  for (const { id, job, target } of intents) {
    if (job === null || admitted.has(id)) continue
    const kept: Verdict = { kind: 'full', target, reason: 'max_parallel', by: null, until: null }
    changed.set(jobKey(job), kept)
  }
  return changed
}
