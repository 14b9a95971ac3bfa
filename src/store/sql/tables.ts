import type { Backoff } from '../../core/backoff.ts'
import type { Dispatch, DispatchState, GoneReason } from '../../core/dispatch.ts'
import type { Event, EventType } from '../../core/event.ts'
import type { Job, JobState, Unassigned } from '../../core/job.ts'
import type { RunnerRequest } from '../../core/request.ts'
import type { Runner } from '../../core/runner.ts'
import type { HookRecord } from '../store.ts'
import { type Columns, flag, json, log, plain, roundRef, table, versionedTable } from './table.ts'

const text = plain<string>()
const number = plain<number>()
const maybeText = plain<string | null>()
const maybeNumber = plain<number | null>()
const texts = json<readonly string[]>()

export const jobs = versionedTable<Job>('jobs', ['instance', 'id', 'round'], {
  instance: text,
  id: text,
  round: number,
  attempt: maybeNumber,
  handle: maybeText,
  state: plain<JobState>(),
  conclusion: maybeText,
  name: text,
  labels: texts,
  repository: maybeText,
  repositoryId: maybeText,
  runId: maybeText,
  url: maybeText,
  runnerName: maybeText,
  queuedAt: maybeNumber,
  startedAt: maybeNumber,
  finishedAt: maybeNumber,
  target: maybeText,
  unassigned: plain<Unassigned | null>(),
  firstSeenAt: number,
  seenQueuedAt: maybeNumber,
  seenRunningAt: maybeNumber,
  seenFinishedAt: maybeNumber,
  deliveredAt: maybeNumber,
  announcedAt: maybeNumber,
  announcedBy: maybeText,
  recoveredAt: maybeNumber,
  announcedQueued: flag(),
  listedAt: maybeNumber,
  confirmedAt: maybeNumber,
  lostAt: maybeNumber,
  requeuedAt: maybeNumber,
  doubtedAt: maybeNumber,
  startSpent: flag(),
  dispatches: number,
  version: number,
})

const dispatchColumns: Columns<Dispatch> = {
  id: text,
  instance: text,
  target: text,
  dispatcher: text,
  instead: plain<Dispatch['instead']>(),
  job: roundRef(),
  handle: maybeText,
  state: plain<DispatchState>(),
  labels: texts,
  offers: texts,
  named: flag(),
  runnerName: maybeText,
  host: maybeText,
  ttl: number,
  bootTimeout: number,
  idleTimeout: number,
  intendedAt: number,
  sentAt: maybeNumber,
  answeredAt: maybeNumber,
  late: flag(),
  runner: maybeText,
  tiedBy: plain<Dispatch['tiedBy']>(),
  tiedAt: maybeNumber,
  ran: roundRef(),
  coverEndedAt: maybeNumber,
  coverEndedBy: roundRef(),
  goneAt: maybeNumber,
  goneReason: plain<GoneReason | null>(),
  reason: maybeText,
  version: number,
}

/** What ended before it was sent makes room for another start of the same request. */
export const dispatches = versionedTable<Dispatch>('dispatches', ['id'], dispatchColumns, {
  revivedWhere: 'dispatches.gone_at IS NOT NULL AND dispatches.sent_at IS NULL',
})

export const requests = log<RunnerRequest>('requests', {
  id: text,
  instance: text,
  labels: texts,
  ttl: maybeNumber,
  machineType: maybeText,
  image: maybeText,
  env: json<RunnerRequest['env']>(),
  scope: json<RunnerRequest['scope']>(),
  askedAt: number,
})

const runnerColumns: Columns<Runner> = {
  instance: text,
  name: text,
  id: maybeText,
  labels: texts,
  state: plain<Runner['state']>(),
  dispatch: maybeText,
  firstSeenAt: number,
  listedAt: maybeNumber,
  idleSince: maybeNumber,
  idleLooks: number,
  worked: flag(),
  goneAt: maybeNumber,
  version: number,
}

/** A name may come again: a row that is gone makes room for what a later look lists under it. */
export const runners = versionedTable<Runner>('runners', ['instance', 'name'], runnerColumns, {
  revivedWhere: 'runners.gone_at < excluded.listed_at',
})

export const backoffs = table<Backoff>('backoffs', ['key'], {
  key: text,
  instance: text,
  failures: number,
  until: number,
})

export const events = log<Event>('events', {
  type: plain<EventType>(),
  at: number,
  instance: text,
  job: roundRef(),
  target: maybeText,
  dispatch: maybeText,
  runner: maybeText,
  detail: json<Event['detail']>(),
})

export const hooks = table<HookRecord>('hooks', ['instance', 'url'], {
  instance: text,
  url: text,
  id: text,
  fingerprint: text,
  events: texts,
  checkedAt: number,
})
