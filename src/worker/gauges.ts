import { backoffKey, openedAt } from '../core/backoff.ts'
import { type Dispatch, isPending } from '../core/dispatch.ts'
import { type Job, jobKey } from '../core/job.ts'
import { type Mode, modes } from '../core/mode.ts'
import { requestTarget } from '../core/request.ts'
import type { RunnerState } from '../core/runner.ts'
import { type VerdictKind, verdictKinds } from '../core/verdict.ts'
import type { TurnDeps } from './deps.ts'
import type { TurnResult } from './turn.ts'

type GaugeDeps = Pick<TurnDeps, 'metrics' | 'instance' | 'targets' | 'lanes' | 'api' | 'clock'>

const runnerStates: readonly RunnerState[] = ['booting', 'idle', 'busy', 'offline']
/** Jobs with these are no demand that waits for us. */
const needless = new Set<VerdictKind>(['covered', 'running', 'unmatched', 'not_allowed', 'waiting'])

export function gaugeMode({ metrics, instance }: GaugeDeps, mode: Mode): void {
  for (const one of modes) metrics.mode.set({ instance, mode: one }, one === mode ? 1 : 0)
}

/** Shows what a turn left behind: jobs by verdict, runners by state, the oldest job that nothing covers. */
export function gauge(deps: GaugeDeps, result: TurnResult): void {
  gaugeJobs(deps, result)
  gaugeRunners(deps, result)
  if (deps.api !== null) deps.metrics.requestsWaiting.set({ instance: deps.instance }, result.waiting)
  gaugeBreakers(deps, result)
  for (const job of result.started) observeWait(deps, job)
  for (const dispatch of result.shown) observeBoot(deps, dispatch)
  deps.metrics.lastTurn.set({ instance: deps.instance }, deps.clock.now() / 1_000)
}

/** Another process shows what there is. */
export function gaugeNothing(deps: GaugeDeps): void {
  for (const mode of modes) deps.metrics.mode.set({ instance: deps.instance, mode }, 0)
  gaugeJobs(deps, { facts: { jobs: [], beyond: new Map() }, verdicts: new Map() })
  gaugeRunners(deps, { facts: { runners: [], dispatches: [] } })
  if (deps.api !== null) deps.metrics.requestsWaiting.set({ instance: deps.instance }, 0)
}

interface Shown {
  facts: Pick<TurnResult['facts'], 'jobs' | 'beyond'>
  verdicts: TurnResult['verdicts']
}

function gaugeJobs({ metrics, instance, targets, clock }: GaugeDeps, { facts, verdicts }: Shown): void {
  const counts = new Map<string, number>()
  const count = (target: string, kind: VerdictKind, by = 1) => {
    counts.set(`${kind} ${target}`, (counts.get(`${kind} ${target}`) ?? 0) + by)
  }
  let oldest = 0
  for (const job of facts.jobs) {
    const verdict = verdicts.get(jobKey(job))
    if (!verdict) continue
    count(verdict.target ?? '', verdict.kind)
    if (!needless.has(verdict.kind)) oldest = Math.max(oldest, clock.now() - (job.seenQueuedAt ?? job.firstSeenAt))
  }
  for (const [target, beyond] of facts.beyond) count(target, 'full', beyond)
  for (const target of [...targets.map(({ name }) => name), '']) {
    for (const verdict of verdictKinds)
      metrics.jobs.set({ instance, target, verdict }, counts.get(`${verdict} ${target}`) ?? 0)
  }
  metrics.oldestUncovered.set({ instance }, oldest / 1_000)
}

function gaugeRunners(
  { metrics, instance, targets, api, clock }: GaugeDeps,
  { facts }: { facts: Pick<TurnResult['facts'], 'runners' | 'dispatches'> },
): void {
  const states = new Map(facts.runners.map(({ name, state }) => [name, state]))
  const names = [...targets.map(({ name }) => name), ...(api === null ? [] : [requestTarget])]
  for (const target of names) {
    const ours = facts.dispatches.filter((dispatch) => dispatch.target === target)
    for (const state of runnerStates) {
      const inState = ours.filter((dispatch) =>
        dispatch.runner === null
          ? state === 'booting' && isPending(dispatch, clock.now())
          : states.get(dispatch.runner) === state,
      )
      metrics.runners.set({ instance, target, state }, inState.length)
    }
  }
}

function gaugeBreakers({ metrics, lanes }: GaugeDeps, { facts }: TurnResult): void {
  for (const dispatcher of lanes.keys()) {
    const breaker = facts.backoffs.get(backoffKey.breaker(dispatcher))
    metrics.breaker.set({ dispatcher }, breaker && openedAt(breaker) !== null ? 1 : 0)
  }
}

function observeBoot({ metrics, instance }: GaugeDeps, { target, sentAt, tiedAt }: Dispatch): void {
  if (sentAt === null || tiedAt === null) return
  metrics.boot.observe({ instance, target }, Math.max(0, tiedAt - sentAt) / 1_000)
}

function observeWait({ metrics, instance }: GaugeDeps, job: Job): void {
  if (job.seenQueuedAt === null || job.seenRunningAt === null || job.target === null) return
  const wait = Math.max(0, job.seenRunningAt - job.seenQueuedAt)
  metrics.queueWait.observe({ instance, target: job.target }, wait / 1_000)
}
