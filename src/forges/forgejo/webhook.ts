import type { JobState } from '../../core/job.ts'
import type { Scope } from '../../core/scope.ts'
import type { Secret } from '../../secret.ts'
import type { RawDelivery, Reading } from '../forge.ts'
import { deliveryId, eventOf, parseJson, verified } from '../signature.ts'
import { inScope, problem, readWorkflowJob, type WorkflowJobReading } from '../workflow-job.ts'
import { stateOfJob, toldJob } from './job.ts'
import { jobEvent } from './schema.ts'

const idHeaders = ['x-forgejo-delivery', 'x-gitea-delivery', 'x-github-delivery'] as const

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

/** Verifies, then parses: a job event in either dialect, or a nudge for everything else that Forgejo signs. */
export async function readDelivery(
  delivery: RawDelivery,
  { secrets, scope }: { secrets: readonly Secret[]; scope: Scope },
): Promise<Reading> {
  if (!(await verified(delivery, secrets))) return { kind: 'unauthorized' }
  const parsed = parseJson(delivery)
  if (parsed.kind === 'invalid') return parsed
  const event = eventOf(delivery, parsed.value)
  const id = deliveryId(delivery, idHeaders)
  if (!isJobEvent(event)) return { kind: 'nudge', id, event }
  const reading =
    event === 'workflow_job' ? readWorkflowJob(parsed.value, scope) : readJobEvent(event, parsed.value, scope)
  switch (reading.kind) {
    case 'job':
      return { kind: 'jobs', id, event, jobs: [reading.job] }
    case 'ignored':
      return { kind: 'ignored', id, event, reason: reading.reason }
    case 'invalid':
      return reading
  }
}

/** The name of the event leads; a status further along than `waiting` (or `blocked`) says that it was overtaken. */
function readJobEvent(event: string, body: unknown, scope: Scope): WorkflowJobReading {
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
