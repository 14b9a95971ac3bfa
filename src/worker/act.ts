import { type Dispatch, runnerName } from '../core/dispatch.ts'
import { jobKey } from '../core/job.ts'
import type { Leftover } from '../core/leftover.ts'
import type { Plan } from '../core/plan.ts'
import { offering, type RunnerShape, shapeOf } from '../core/request.ts'
import type { Wanted } from '../core/snapshot.ts'
import type { TurnDeps } from './deps.ts'
import type { Order } from './lane.ts'
import type { Place } from './places.ts'
import { clearAway, retire } from './retire.ts'

export interface Acted {
  dispatched: number
  /** Of those, how many serve a request of the dispatcher API. */
  requested: number
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
  if (deps.dryRun) return { dispatched: 0, requested: 0, verdicts: plan.verdicts }
  for (const stop of plan.stops) retire(deps, stop)
  if (left.length > 0) clearAway(deps, left)
  if (plan.wanted.length === 0) return { dispatched: 0, requested: 0, verdicts: plan.verdicts }

  const { written, keptBack } = await reserve(deps, epoch, plan.wanted, now)
  for (const intent of written)
    deps.lanes.get(intent.dispatch.dispatcher)?.add(order(deps, epoch, intent), intent.place)
  const requested = written.filter(({ wanted }) => wanted.request !== null).length
  return { dispatched: written.length, requested, verdicts: told(plan.verdicts, written, keptBack) }
}

/** What a runner is wanted for, with the row that was made for it. */
interface Intent {
  wanted: Wanted
  shape: RunnerShape
  dispatch: Dispatch
  /** What the row rests on: should the lane have moved on before it is sent, it is void. */
  place: Place
}

/** Writes the rows as far as the limits allow. What a limit shared with others kept back is asked of the next dispatcher that may be. */
async function reserve(
  deps: TurnDeps,
  epoch: number,
  all: readonly Wanted[],
  now: number,
): Promise<{ written: Intent[]; keptBack: Intent[] }> {
  const limits = {
    targets: new Map(deps.targets.map(({ name, max }) => [name, max])),
    dispatchers: deps.maxParallel,
    requested: deps.api?.maxParallel ?? null,
  }
  const done: Intent[] = []
  const keptBack: Intent[] = []
  for (let rest = all; rest.length > 0; ) {
    const intents = rest.flatMap((wanted) => intent(deps, wanted, now))
    const rows = await deps.store.intend(
      deps.instance,
      epoch,
      intents.map(({ dispatch }) => dispatch),
      limits,
    )
    const byId = new Map(rows.map((row) => [row.id, row]))
    const refused = intents.filter(({ dispatch }) => !byId.has(dispatch.id))
    for (const intent of intents) {
      const row = byId.get(intent.dispatch.id)
      if (row) done.push({ ...intent, dispatch: row })
    }
    keptBack.push(...refused.filter(({ wanted }) => wanted.others.length === 0))
    rest = refused.flatMap(({ wanted }) => next(wanted))
  }
  return { written: done, keptBack }
}

function next(wanted: Wanted): Wanted[] {
  const [dispatcher, ...others] = wanted.others
  return dispatcher === undefined ? [] : [{ ...wanted, dispatcher, others, instead: 'max_parallel' }]
}

function intent(deps: TurnDeps, wanted: Wanted, now: number): Intent[] {
  const { target, dispatcher, instead, job, request } = wanted
  const shape = shapeWanted(deps, wanted)
  const place = deps.lanes.get(dispatcher)?.place
  if (!shape || !place) return []
  const { traits } = place.dispatcher
  const id = request?.id ?? deps.ids()
  const dispatch: Dispatch = {
    id,
    instance: deps.instance,
    target,
    dispatcher,
    instead,
    job: job && { id: job.id, round: job.round },
    // Only a credential of ours can bind a runner to one round.
    handle: traits.credentials === 'ours' ? (job?.handle ?? null) : null,
    state: 'intended',
    labels: shape.labels,
    offers: shape.offers,
    named: traits.names,
    runnerName: traits.names ? runnerName(deps.owner, id) : null,
    host: traits.local ? deps.host : null,
    ttl: shape.ttl,
    bootTimeout: shape.bootTimeout,
    idleTimeout: shape.idleTimeout,
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
  }
  return [{ wanted, shape, dispatch, place }]
}

/** What the runner is like that is wanted; undefined where its target is configured no more. */
function shapeWanted({ targets, forge }: TurnDeps, { target, request }: Wanted): RunnerShape | undefined {
  if (request === null) return targets.find(({ name }) => name === target)
  return shapeOf(request, offering(request.labels, targets, forge.labels), forge.labels)
}

function order(deps: TurnDeps, epoch: number, { dispatch, wanted: { job, request }, shape, place }: Intent): Order {
  const { traits } = place.dispatcher
  const name = runnerName(deps.owner, dispatch.id)
  return {
    dispatch,
    epoch,
    log: deps.log,
    announcedAt: job?.dispatches === 0 ? job.announcedAt : null,
    async prepare(signal) {
      const { labels, handle } = dispatch
      const forge = request === null ? deps.forge : deps.forgeAt(request.scope)
      const credential = traits.credentials === 'ours' ? await forge.register({ name, labels, handle }, signal) : null
      return {
        id: dispatch.id,
        instance: deps.instance,
        target: dispatch.target,
        name,
        labels,
        ttl: dispatch.ttl,
        machineType: shape.machineType,
        image: shape.image,
        env: shape.env,
        scope: request?.scope ?? deps.scope,
        job: job && `${deps.instance}/${job.id}`,
        about: job && { repository: job.repository, runId: job.runId, delivery: job.announcedBy },
        credential,
      }
    },
  }
}

/** Jobs whose runner is asked for elsewhere than planned, or whose dispatch a limit shared with others did not admit, say so. */
function told(planned: Plan['verdicts'], written: readonly Intent[], keptBack: readonly Intent[]): Plan['verdicts'] {
  const changed = new Map(planned)
  for (const { wanted, dispatch } of written) {
    if (wanted.job === null || dispatch.instead !== 'max_parallel') continue
    const verdict = planned.get(jobKey(wanted.job))
    const elsewhere = { reason: `fallback_${dispatch.instead}`, dispatcher: dispatch.dispatcher }
    if (verdict) changed.set(jobKey(wanted.job), { ...verdict, ...elsewhere })
  }
  for (const { wanted } of keptBack) {
    if (wanted.job === null) continue
    const { target, dispatcher } = wanted
    changed.set(jobKey(wanted.job), { kind: 'full', target, reason: 'max_parallel', by: null, dispatcher, until: null })
  }
  return changed
}
