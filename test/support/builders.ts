import type { Dispatch } from '../../src/core/dispatch.ts'
import type { Event, StoredEvent } from '../../src/core/event.ts'
import type { DeliveredJob } from '../../src/core/intake.ts'
import type { Job, ToldJob } from '../../src/core/job.ts'
import type { RunnerRequest } from '../../src/core/request.ts'
import type { Runner } from '../../src/core/runner.ts'
import type { Target } from '../../src/core/target.ts'
import type { HookWish } from '../../src/forges/forge.ts'
import type { DeliveryRecord } from '../../src/store/store.ts'

// Everything that is built belongs to the instance `main` and the target `linux` on the dispatcher `default`,
// and happens at 12:00:00, unless a test says otherwise. Ids and names are fresh with each call.

let made = 0
const fresh = () => String(++made)

/** Epoch milliseconds of a time of day, `12:00:00` or `12:00:00.500`, on one fixed day, UTC. */
export function at(time: string): number {
  const moment = Date.parse(`2026-03-02T${time}Z`)
  if (Number.isNaN(moment)) throw new Error(`"${time}" is not a time of day like 12:00:00`)
  return moment
}

/** What a forge tells of a job: queued, for `linux`. */
export function aToldJob(over: Partial<ToldJob> = {}): ToldJob {
  const { state = 'queued' } = over
  return {
    id: fresh(),
    attempt: null,
    handle: null,
    state,
    conclusion: state === 'finished' ? 'success' : null,
    name: 'build',
    labels: ['linux'],
    repository: 'acme/widgets',
    repositoryId: '1',
    runId: '100',
    url: null,
    runnerName: null,
    queuedAt: at('12:00:00'),
    startedAt: state === 'running' || state === 'finished' ? at('12:00:00') : null,
    finishedAt: state === 'finished' ? at('12:00:00') : null,
    ...over,
  }
}

/** A told job with the target that was found for it. */
export function aDeliveredJob(
  over: Partial<ToldJob> = {},
  found: Partial<Omit<DeliveredJob, 'told'>> = {},
): DeliveredJob {
  return { told: aToldJob(over), target: 'linux', unassigned: null, ...found }
}

/** A job's first round as a delivery over HTTP announced it; a new row (version 0). */
export function aJob(over: Partial<Job> = {}): Job {
  const { state = 'queued', firstSeenAt = at('12:00:00') } = over
  return {
    ...aToldJob({ state }),
    instance: 'main',
    round: 1,
    target: 'linux',
    unassigned: null,
    firstSeenAt,
    seenQueuedAt: state === 'waiting' ? null : firstSeenAt,
    seenRunningAt: state === 'running' || state === 'finished' ? firstSeenAt : null,
    seenFinishedAt: state === 'finished' ? firstSeenAt : null,
    deliveredAt: firstSeenAt,
    announcedAt: firstSeenAt,
    announcedBy: 'delivery-1',
    recoveredAt: null,
    announcedQueued: state !== 'waiting',
    listedAt: null,
    confirmedAt: null,
    lostAt: null,
    requeuedAt: null,
    doubtedAt: null,
    startSpent: false,
    dispatches: 0,
    version: 0,
    ...over,
  }
}

/** A dispatch whose start was accepted and whose runner has not shown itself; made for `min_idle` unless a job is named. */
export function aDispatch(over: Partial<Dispatch> = {}): Dispatch {
  const { state = 'accepted', intendedAt = at('12:00:00'), labels = ['linux'] } = over
  const { id = fresh(), named = true } = over
  const answered = state === 'accepted' || state === 'refused'
  return {
    id,
    instance: 'main',
    target: 'linux',
    dispatcher: 'default',
    instead: null,
    job: null,
    handle: null,
    state,
    labels,
    offers: labels,
    named,
    runnerName: named ? `muster-${id}` : null,
    host: null,
    ttl: 20 * minute,
    bootTimeout: 5 * minute,
    idleTimeout: 5 * minute,
    intendedAt,
    sentAt: state === 'intended' ? null : intendedAt,
    answeredAt: answered ? intendedAt : null,
    late: false,
    runner: null,
    tiedBy: null,
    tiedAt: null,
    ran: null,
    coverEndedAt: null,
    coverEndedBy: null,
    goneAt: state === 'refused' ? intendedAt : null,
    goneReason: state === 'refused' ? 'refused' : null,
    reason: null,
    version: 0,
    ...over,
  }
}

/** A runner for `linux` that a caller of the dispatcher API asked for, at whatever ttl is usual. */
export function aRequest(over: Partial<RunnerRequest> = {}): RunnerRequest {
  return {
    id: `request-${fresh()}`,
    instance: 'main',
    labels: ['linux'],
    ttl: null,
    machineType: null,
    image: null,
    env: {},
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    askedAt: at('12:00:00'),
    ...over,
  }
}

/** An idle foreign runner that one look listed. */
export function aRunner(over: Partial<Runner> = {}): Runner {
  const { state = 'idle', firstSeenAt = at('12:00:00') } = over
  const number = fresh()
  return {
    instance: 'main',
    name: `runner-${number}`,
    id: number,
    labels: ['linux'],
    state,
    dispatch: null,
    firstSeenAt,
    listedAt: firstSeenAt,
    idleSince: state === 'idle' ? firstSeenAt : null,
    idleLooks: state === 'idle' ? 1 : 0,
    worked: state === 'busy',
    goneAt: state === 'gone' ? firstSeenAt : null,
    version: 0,
    ...over,
  }
}

/** A target that scales to zero, at most 20 runners. */
export function aTarget(over: Partial<Target> = {}): Target {
  const { labels = ['linux'] } = over
  return {
    name: 'linux',
    labels,
    offers: labels,
    dispatcher: 'default',
    fallback: [],
    minIdle: 0,
    schedule: [],
    max: 20,
    ttl: 20 * minute,
    bootTimeout: 5 * minute,
    idleTimeout: 5 * minute,
    priority: 0,
    matchUnlabelled: false,
    allowRepos: [],
    machineType: null,
    image: null,
    env: {},
    ...over,
  }
}

/** A job event over HTTP that was accepted: one queued job, unless a test names others. */
export function aDelivery(over: Partial<DeliveryRecord> = {}): DeliveryRecord {
  return {
    instance: 'main',
    id: `delivery-${fresh()}`,
    event: 'workflow_job',
    receivedAt: at('12:00:00'),
    via: 'http',
    signedBy: null,
    result: 'accepted',
    reason: null,
    nudge: false,
    jobEvent: true,
    jobs: [aDeliveredJob()],
    ...over,
  }
}

const minute = 60_000

/** A job was queued, about no job in particular. */
export function anEvent(over: Partial<Event> = {}): Event {
  return {
    type: 'job_queued',
    at: at('12:00:00'),
    instance: 'main',
    job: null,
    target: null,
    dispatch: null,
    runner: null,
    detail: {},
    ...over,
  }
}

/** The same as the store keeps it. */
export function aStoredEvent(over: Partial<StoredEvent> = {}): StoredEvent {
  return { id: fresh(), ...anEvent(), ...over }
}

/** The wish for a webhook of ours that no process has made yet. */
export function aHookWish(over: Partial<HookWish> = {}): HookWish {
  return {
    url: 'https://muster.example/webhook/main',
    secret: 's',
    events: ['workflow_job'],
    contentType: 'json',
    active: true,
    known: null,
    ...over,
  }
}
