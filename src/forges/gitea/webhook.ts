import type { ToldJob } from '../../core/job.ts'
import type { Scope } from '../../core/scope.ts'
import type { Told } from '../delivery.ts'
import { readWorkflowJob } from '../workflow-job.ts'

export const idHeaders = ['x-gitea-delivery', 'x-github-delivery'] as const

/** The one event that is read (since 1.24). */
export const hookEvents: readonly string[] = ['workflow_job']

export interface ReadingContext {
  scope: Scope
  /** True where the callers of reusable workflows are told of like jobs. Since 1.27. */
  callers: boolean
}

/**
 * From 1.27 a caller has a row of its own, which no runner is ever given. Nothing in it tells it from a job without labels, but for the
 * runner that one has once it runs.
 */
export function mayBeCaller({ labels, runnerName }: ToldJob): boolean {
  return labels.length === 0 && runnerName === null
}

/** A `workflow_job` event; whatever else Gitea signs (the `push` of its test button) is ignored. */
export function readEvent(event: string, body: unknown, { scope, callers }: ReadingContext): Told {
  if (event !== 'workflow_job') return { kind: 'ignored', reason: 'event' }
  const told = readWorkflowJob(body, scope)
  if (told.kind === 'job' && callers && mayBeCaller(told.job)) return { kind: 'ignored', reason: 'unlabelled' }
  return told
}
