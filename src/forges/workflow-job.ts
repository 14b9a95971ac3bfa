import { z } from 'zod'
import type { JobState, ToldJob } from '../core/job.ts'
import type { Scope } from '../core/scope.ts'
import type { Told } from './delivery.ts'

/** Go's zero time as Gitea writes "not yet" (1970-01-01T00:00:00Z), null and nonsense are all no moment. */
const moment = z
  .string()
  .nullish()
  .transform((text) => {
    const at = text ? Date.parse(text) : Number.NaN
    return at > 0 ? at : null
  })

/** Gitea writes 0 for "none", GitHub null. */
export const optionalId = z
  .int()
  .nullish()
  .transform((id) => (id ? String(id) : null))

export const optionalText = z
  .string()
  .nullish()
  .transform((text) => text || null)

/** A page for people: nothing but a web address may end up in a link. */
export const page = z
  .string()
  .nullish()
  .transform((url) => (url && /^https?:\/\//i.test(url) ? url : null))

/**
 * A job in the dialect that GitHub and Gitea share: the `workflow_job` of a delivery (GitHub; Gitea since 1.24) and a row
 * of a job list (GitHub; Gitea since 1.25). Only what we read; absent and null are the same.
 */
export const workflowJob = z.object({
  id: z.int().positive().transform(String),
  run_id: optionalId,
  status: optionalText,
  conclusion: optionalText,
  name: z
    .string()
    .nullish()
    .transform((name) => name ?? ''),
  // Null where `runs-on` is empty (Gitea). GitHub's schema lets an item be null once the job is completed.
  labels: z
    .array(z.string().nullable())
    .nullish()
    .transform((labels) => labels ?? []),
  runner_name: optionalText,
  html_url: page,
  created_at: moment,
  started_at: moment,
  completed_at: moment,
})

export type WorkflowJob = z.output<typeof workflowJob>

/** `owner/name` and id, as every forge writes them beside a job. */
const repository = z.object({
  id: optionalId,
  full_name: z.string().regex(/^[^/]+\/[^/]+$/),
})

const workflowJobEvent = z.object({ action: z.string(), workflow_job: workflowJob, repository })

/** Reads the body of a `workflow_job` delivery of Gitea, GitHub or Forgejo. Never throws. */
export function readWorkflowJob(body: unknown, scope: Scope): Told {
  const parsed = workflowJobEvent.safeParse(body)
  if (!parsed.success)
    return { kind: 'invalid', problem: `the workflow_job event is misshapen: ${problem(parsed.error)}` }
  const { action, workflow_job: row, repository } = parsed.data
  if (!inScope(repository.full_name, scope)) return { kind: 'ignored', reason: 'scope' }
  const state = stateOf(row.status, action)
  if (state === null) return { kind: 'ignored', reason: 'action' }
  if (state !== 'finished' && row.labels.includes(null)) {
    return {
      kind: 'invalid',
      problem: 'the workflow_job event is misshapen: workflow_job.labels has a label that is null',
    }
  }
  return { kind: 'job', job: toldJob(row, state, { name: repository.full_name, id: repository.id }) }
}

const states: ReadonlyMap<string, JobState> = new Map([
  ['queued', 'queued'],
  ['waiting', 'waiting'],
  ['pending', 'waiting'],
  ['requested', 'waiting'],
  ['action_required', 'waiting'],
  ['in_progress', 'running'],
  ['completed', 'finished'],
])

/**
 * Our word for where the job is; null for words nobody knows. A delivery's action leads, but an action `queued` with another
 * status is no demand: GitHub sends it with `waiting` for a job that still needs an approval. Gitea's `waiting` is a
 * job with unmet needs (its own `Blocked`).
 */
export function stateOf(status: string | null, action: string | null = null): JobState | null {
  const told = status === null ? null : (states.get(status) ?? null)
  const acted = action === null ? null : (states.get(action) ?? null)
  if (acted === null) return action === null ? told : null
  return acted === 'queued' ? (told ?? acted) : acted
}

/** The job in our words. A runner and a start only count once it runs: GitHub names both on jobs that are queued. */
export function toldJob(
  row: WorkflowJob,
  state: JobState,
  repository: { name: string | null; id: string | null },
): ToldJob {
  const begun = state === 'running' || state === 'finished'
  return {
    id: row.id,
    // A re-run has a new id on GitHub and Gitea 1.27; up to Gitea 1.26 it has the old id and the old `run_attempt`.
    attempt: null,
    handle: null,
    state,
    conclusion: state === 'finished' ? row.conclusion : null,
    name: row.name,
    labels: row.labels.filter((label) => label !== null),
    repository: repository.name,
    repositoryId: repository.id,
    runId: row.run_id,
    url: row.html_url,
    runnerName: begun ? row.runner_name : null,
    queuedAt: row.created_at,
    startedAt: begun ? row.started_at : null,
    finishedAt: state === 'finished' ? row.completed_at : null,
  }
}

/** Whether `owner/name` belongs to what an instance serves; compared without case, as the forges do. */
export function inScope(repository: string, scope: Scope): boolean {
  const [owner, name] = repository.toLowerCase().split('/')
  const isOwner = scope.owner === null || owner === scope.owner.toLowerCase()
  switch (scope.level) {
    case 'repository':
      return isOwner && (scope.name === null || name === scope.name.toLowerCase())
    case 'organization':
    case 'user':
      return isOwner
    case 'instance':
    case 'enterprise':
      return true
  }
}

/** The first thing wrong, with where it is; never a value, which may be anything. */
export function problem(error: z.ZodError): string {
  const [issue] = error.issues
  return `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'not as expected'}`
}
