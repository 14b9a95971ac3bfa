import type { VerdictKind } from '../core/verdict.ts'

/** As much of the API's answers as `muster status` prints. Times are RFC 3339. */
export interface InstanceStatus {
  name: string
  forge: string
  mode: string | null
  health: 'starting' | 'good' | 'failing'
  dry_run: boolean
  paused: boolean
  pause: { at: string; by: string | null; reason: string | null } | null
  last_look: { began_at: string; complete: boolean; error: string | null } | null
  next_look_at: string | null
  webhook: { last_delivery_at: string | null } | null
}

export interface TargetStatus {
  instance: string
  name: string
  min_idle: number
  next_change_at: string | null
  next_min_idle: number | null
  max: number
  live: number
  runners: { booting: number; idle: number; busy: number; unseen: number }
  jobs: { queued: number; running: number }
}

export interface DispatcherStatus {
  name: string
  kind: string
  max_parallel: number | null
  live: number
  requests: number
  blocking: boolean
  breaker: { state: 'closed' | 'open'; failures: number; next_try_at: string | null }
}

export interface JobStatus {
  instance: string
  id: string
  round: number
  name: string
  verdict: VerdictKind | null
  reason: string | null
  target: string | null
  labels: string[]
  repository: string | null
  queued_at: string | null
  first_seen_at: string
}

export interface WaitingJob extends JobStatus {
  /** Why it has no runner, in words. */
  sentence: string
}

/** Everything that `muster status` tells, as `--json` prints it. */
export interface Status {
  /** When it was asked. */
  at: string
  instances: InstanceStatus[]
  targets: TargetStatus[]
  dispatchers: DispatcherStatus[]
  /** Queued jobs, the oldest first, at most `mostWaiting`. */
  waiting: WaitingJob[]
  /** The oldest job that nothing covers and that a runner could serve; null where there is none among those. */
  oldest_uncovered_job: { instance: string; id: string; queued_at: string } | null
}

/** What is asked of a running service. */
export interface Asked {
  list<T>(path: string, most: number): Promise<T[]>
  get<T>(path: string): Promise<T | null>
}

/** Jobs that are told one by one; each costs a call of its own. */
export const mostWaiting = 30
const most = 2_000

/** Jobs with these are no demand that waits for us. */
const needless: readonly (VerdictKind | null)[] = ['covered', 'running', 'unmatched', 'not_allowed', 'waiting', null]

export async function readStatus(service: Asked, now: number): Promise<Status> {
  const [instances, targets, dispatchers, jobs] = await Promise.all([
    service.list<InstanceStatus>('instances', most),
    service.list<TargetStatus>('targets', most),
    service.list<DispatcherStatus>('dispatchers', most),
    service.list<JobStatus>('jobs?state=queued', mostWaiting),
  ])
  const waiting = await Promise.all(jobs.map((job) => explained(service, job)))
  const oldest = waiting.find(({ verdict }) => !needless.includes(verdict))
  return {
    at: new Date(now).toISOString(),
    instances,
    targets,
    dispatchers,
    waiting,
    oldest_uncovered_job: oldest
      ? { instance: oldest.instance, id: oldest.id, queued_at: oldest.queued_at ?? oldest.first_seen_at }
      : null,
  }
}

async function explained(service: Asked, job: JobStatus): Promise<WaitingJob> {
  const path = `jobs/${encodeURIComponent(job.instance)}/${encodeURIComponent(job.id)}?round=${job.round}`
  const told = await service.get<{ explanation: { sentence: string } }>(path)
  return { ...job, sentence: told?.explanation.sentence ?? [job.verdict, job.reason].filter(Boolean).join(', ') }
}
