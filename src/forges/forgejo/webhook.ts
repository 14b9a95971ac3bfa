import type { JobState } from '../../core/job.ts'
import type { Scope } from '../../core/scope.ts'
import type { Told } from '../delivery.ts'
import { inScope, problem, readWorkflowJob } from '../workflow-job.ts'
import { stateOfJob, toldJob } from './job.ts'
import { jobEvent } from './schema.ts'

export const idHeaders = ['x-forgejo-delivery', 'x-gitea-delivery', 'x-github-delivery'] as const

/** The job events of the Forgejo versions that have them, and what each says of its job. Up to v17-dev there are none. */
const jobEvents: ReadonlyMap<string, JobState> = new Map([
  ['workflow_job_blocked', 'waiting'],
  ['workflow_job_waiting', 'queued'],
  ['workflow_job_running', 'running'],
  ['workflow_job_success', 'finished'],
  ['workflow_job_failure', 'finished'],
  ['workflow_job_cancelled', 'finished'],
  ['workflow_job_skipped', 'finished'],
])

/** Every event that a Forgejo hook is asked to send: job events where the version has them, and those that hint at new jobs. */
export const hookEvents: readonly string[] = [
  ...jobEvents.keys(),
  'push',
  'create',
  'pull_request',
  'issue_comment',
  'release',
  'action_run_success',
  'action_run_failure',
  'action_run_recover',
]

/** True for an event that tells of one job. */
export function isJobEvent(event: string): boolean {
  return event === 'workflow_job' || jobEvents.has(event)
}

/** A job event in either dialect, or a nudge for everything else that Forgejo signs. */
export function readEvent(event: string, body: unknown, scope: Scope): Told {
  if (event === 'workflow_job') return readWorkflowJob(body, scope)
  return jobEvents.has(event) ? readJobEvent(event, body, scope) : { kind: 'nudge' }
}

/** The name of the event leads; but a job that is called waiting and has another status by now was overtaken. */
function readJobEvent(event: string, body: unknown, scope: Scope): Told {
  const parsed = jobEvent.safeParse(body)
  if (!parsed.success) return { kind: 'invalid', problem: `the ${event} event is misshapen: ${problem(parsed.error)}` }
  const { job, run, repository } = parsed.data
  if (!inScope(repository.full_name, scope)) return { kind: 'ignored', reason: 'scope' }
  // The outer job of a called workflow (v15 and later): no runner ever takes it.
  if (job.runs_on.length === 0) return { kind: 'ignored', reason: 'unlabelled' }
  const named = jobEvents.get(event) ?? 'waiting'
  const state = named === 'queued' ? (stateOfJob(job.status) ?? named) : named
  const where = { name: repository.full_name, id: job.repo_id ?? repository.id }
  return { kind: 'job', job: toldJob({ ...job, run_id: job.run_id ?? run.id }, state, where, run.html_url) }
}
