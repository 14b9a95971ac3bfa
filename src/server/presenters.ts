import type { z } from '@hono/zod-openapi'
import type { DispatcherConfig, InstanceConfig } from '../config/config.ts'
import { backoffKey, openedAt } from '../core/backoff.ts'
import { coversUntil, type Dispatch as DispatchRow } from '../core/dispatch.ts'
import type { StoredEvent } from '../core/event.ts'
import type { RunnerRequest } from '../core/request.ts'
import type { Runner as RunnerRow } from '../core/runner.ts'
import { entryAt, minIdleAt, nextScheduleChange } from '../core/schedule.ts'
import type { Target as TargetConfig } from '../core/target.ts'
import type { Secret } from '../secret.ts'
import type {
  DeliverySummary,
  JobCount,
  Moment as MomentRow,
  Overview,
  Pause,
  RunnerCount,
  SecretUse,
  ShownJob,
} from '../store/store.ts'
import type { Dispatch, Dispatcher, Event, Instance, Job, Moment, Request, Runner, Target } from './api-schemas.ts'
import type { LaneView, WorkerView } from './views.ts'

/** Rows and configuration in the words of the API. What may hold a secret (env, URLs with one in it) is left out. */

const longestTime = 8.64e15

/** RFC 3339 in UTC; null for none, for one without end, and for one that no calendar has. */
export function time(ms: number | null | undefined): string | null {
  return typeof ms === 'number' && Math.abs(ms) <= longestTime ? new Date(ms).toISOString() : null
}

function surely(ms: number): string {
  return time(ms) ?? new Date(0).toISOString()
}

export interface InstanceFacts {
  worker: WorkerView | undefined
  paused: Pause | null
  deliveries: DeliverySummary
  secretUses: readonly SecretUse[]
  dryRun: boolean
}

export function instance(config: InstanceConfig, facts: InstanceFacts): z.output<typeof Instance> {
  const { worker, paused, deliveries, secretUses, dryRun } = facts
  const { level, owner, name } = config.scope
  const capabilities = worker?.capabilities
  const look = worker?.lastLook
  const hook = worker?.hook
  return {
    name: config.name,
    forge: config.forge.kind,
    scope: { level, owner, name },
    mode: worker?.mode ?? null,
    health:
      look === null || look === undefined ? 'starting' : look.complete && look.error === null ? 'good' : 'failing',
    paused: paused !== null,
    pause: paused && { at: surely(paused.at), by: paused.by, reason: paused.reason },
    dry_run: dryRun || config.dryRun,
    targets: config.targets.map((target) => target.name),
    capabilities: capabilities
      ? {
          version: capabilities.version,
          jobs: capabilities.jobs,
          runners: capabilities.runners,
          job_events: capabilities.jobEvents,
          hooks: capabilities.hooks,
          registration: capabilities.registration,
          recovers: capabilities.recovers,
        }
      : null,
    last_look: look ? { began_at: surely(look.beganAt), complete: look.complete, error: look.error } : null,
    next_look_at: time(worker?.nextLookAt),
    webhook:
      config.secrets.length > 0
        ? {
            path: `/webhook/${config.name}`,
            last_delivery_at: time(deliveries.lastAt),
            last_job_event_at: time(deliveries.lastJobEventAt),
            secrets: config.secrets.map((secret) => secretUse(secret, secretUses)),
            hook: hook ? { id: hook.id, done: hook.done, notes: [...hook.notes] } : null,
          }
        : null,
  }
}

function secretUse(secret: Secret, uses: readonly SecretUse[]) {
  const seen = uses.find(({ fingerprint }) => fingerprint === secret.fingerprint())
  return { source: secret.source, uses: seen?.uses ?? 0, last_used_at: time(seen?.lastAt) }
}

/** A target without its waits, which are read for those of a page alone. */
export function target(
  instanceName: string,
  config: TargetConfig,
  now: number,
  overview: Overview,
): Omit<z.output<typeof Target>, 'waits'> {
  const isMine = (one: { instance: string; target: string | null }) =>
    one.instance === instanceName && one.target === config.name
  const ours = overview.runners.filter(isMine)
  const theirs = overview.jobs.filter(isMine)
  const runners = (state: RunnerCount['state']) =>
    sum(ours.filter((one) => one.state === state).map((one) => one.runners))
  const jobs = (state: JobCount['state']) => sum(theirs.filter((one) => one.state === state).map((one) => one.jobs))
  const holds = entryAt(config, now)
  const next = nextScheduleChange(config, now)
  return {
    instance: instanceName,
    name: config.name,
    labels: [...config.labels],
    dispatcher: config.dispatcher,
    min_idle: minIdleAt(config, now),
    schedule: config.schedule.map((entry) => ({
      cron: entry.cron,
      timezone: entry.timezone,
      min_idle: entry.minIdle,
      holds: entry === holds,
    })),
    next_change_at: time(next?.at),
    next_min_idle: next?.minIdle ?? null,
    max: config.max,
    live: sum(ours.map((one) => one.runners)),
    runners: { booting: runners('booting'), idle: runners('idle'), busy: runners('busy'), unseen: runners('unseen') },
    jobs: { queued: jobs('queued'), running: jobs('running') },
    ttl_seconds: config.ttl / 1_000,
    boot_timeout_seconds: config.bootTimeout / 1_000,
    idle_timeout_seconds: config.idleTimeout / 1_000,
    priority: config.priority,
    match_unlabelled: config.matchUnlabelled,
    allow_repos: [...config.allowRepos],
    machine_type: config.machineType,
    image: config.image,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((whole, number) => whole + number, 0)
}

export interface DispatcherFacts {
  lane: LaneView | undefined
  overview: Overview
  /** Requests of the dispatcher API that wait for it. */
  requests: number
  now: number
}

export function dispatcher(config: DispatcherConfig, facts: DispatcherFacts): z.output<typeof Dispatcher> {
  const { lane, overview, requests, now } = facts
  const live = overview.runners.filter((one) => one.dispatcher === config.name)
  const breaker = overview.breakers.find(({ key }) => key === backoffKey.breaker(config.name))
  const isOpen = breaker !== undefined && openedAt(breaker) !== null
  return {
    name: config.name,
    kind: config.settings.kind,
    timeout_seconds: config.timeout / 1_000,
    launch_concurrency: config.launchConcurrency,
    max_parallel: config.maxParallel,
    on_shutdown: config.onShutdown,
    blocking: lane?.blocking ?? false,
    live: sum(live.map((one) => one.runners)),
    requests,
    breaker: {
      state: isOpen ? 'open' : 'closed',
      failures: breaker?.failures ?? 0,
      next_try_at: isOpen ? time(Math.max(breaker.until, now)) : null,
    },
  }
}

export function job(row: ShownJob): z.output<typeof Job> {
  const { verdict } = row
  return {
    instance: row.instance,
    id: row.id,
    round: row.round,
    name: row.name,
    state: row.state,
    conclusion: row.conclusion,
    verdict: verdict?.kind ?? null,
    reason: verdict?.reason ?? null,
    until: time(verdict?.until),
    covered_by: verdict?.by ? { runner: null, dispatch: null, ...verdict.by } : null,
    dispatcher: verdict?.dispatcher ?? null,
    target: row.target,
    labels: [...row.labels],
    repository: row.repository,
    run_id: row.runId,
    runner: row.runnerName,
    url: row.url,
    dispatches: row.dispatches,
    queued_at: time(row.queuedAt ?? row.seenQueuedAt),
    started_at: time(row.startedAt ?? row.seenRunningAt),
    finished_at: time(row.finishedAt ?? row.seenFinishedAt),
    first_seen_at: surely(row.firstSeenAt),
  }
}

export function event(row: StoredEvent): z.output<typeof Event> {
  const { id, type, job, target, dispatch, runner, detail } = row
  const instance = row.instance || null
  return { id, type, at: surely(row.at), instance, job, target, dispatch, runner, detail: { ...detail } }
}

export function runner(row: RunnerRow, target: string | null): z.output<typeof Runner> {
  return {
    instance: row.instance,
    name: row.name,
    id: row.id,
    state: row.state,
    labels: [...row.labels],
    target,
    dispatch: row.dispatch,
    first_seen_at: time(row.firstSeenAt),
    idle_since: time(row.idleSince),
    gone_at: time(row.goneAt),
  }
}

/** A dispatch whose runner has not shown itself. */
export function bootingRunner(row: DispatchRow): z.output<typeof Runner> {
  return {
    instance: row.instance,
    name: row.runnerName,
    id: null,
    state: 'booting',
    labels: [...row.labels],
    target: row.target,
    dispatch: row.id,
    first_seen_at: null,
    idle_since: null,
    gone_at: null,
  }
}

export function dispatch(row: DispatchRow): z.output<typeof Dispatch> {
  return {
    id: row.id,
    instance: row.instance,
    target: row.target,
    dispatcher: row.dispatcher,
    job: row.job,
    state: row.state,
    labels: [...row.labels],
    runner: row.runner ?? row.runnerName,
    tied_by: row.tiedBy,
    intended_at: surely(row.intendedAt),
    sent_at: time(row.sentAt),
    answered_at: time(row.answeredAt),
    tied_at: time(row.tiedAt),
    covers_until: row.goneAt === null ? time(coversUntil(row)) : null,
    gone_at: time(row.goneAt),
    gone_reason: row.goneReason,
    reason: row.reason,
  }
}

/** A request that waits; what its `env` holds is the caller's. */
export function request(row: RunnerRequest): z.output<typeof Request> {
  const { level, owner, name } = row.scope
  return {
    id: row.id,
    instance: row.instance,
    labels: [...row.labels],
    ttl_seconds: row.ttl === null ? null : row.ttl / 1_000,
    machine_type: row.machineType,
    image: row.image,
    scope: { level, owner, name },
    asked_at: surely(row.askedAt),
  }
}

export function moment({ at, queued, booting, idle, busy, max }: MomentRow): z.output<typeof Moment> {
  return { at: surely(at), queued, booting, idle, busy, max }
}
