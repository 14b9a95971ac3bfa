import type { ToldJob } from '../../core/job.ts'
import type { Scope } from '../../core/scope.ts'
import type { Secret } from '../../secret.ts'
import type { RawDelivery, Reading } from '../forge.ts'
import { deliveryId, eventOf, parseJson, verified } from '../signature.ts'
import { readWorkflowJob } from '../workflow-job.ts'

const idHeaders = ['x-gitea-delivery', 'x-github-delivery'] as const

/** The one event that is read (since 1.24). */
export const hookEvents: readonly string[] = ['workflow_job']

export interface ReadingContext {
  secrets: readonly Secret[]
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

/** Verifies, then parses: a `workflow_job` event; whatever else Gitea signs (the `push` of its test button) is ignored. */
export async function readDelivery(delivery: RawDelivery, context: ReadingContext): Promise<Reading> {
  if (!(await verified(delivery, context.secrets))) return { kind: 'unauthorized' }
  const parsed = parseJson(delivery)
  if (parsed.kind === 'invalid') return parsed
  const event = eventOf(delivery, parsed.value)
  const id = deliveryId(delivery, idHeaders)
  if (event !== 'workflow_job') return { kind: 'ignored', id, event, reason: 'event' }
  const reading = readWorkflowJob(parsed.value, context.scope)
  switch (reading.kind) {
    case 'job':
      if (context.callers && mayBeCaller(reading.job)) return { kind: 'ignored', id, event, reason: 'unlabelled' }
      return { kind: 'jobs', id, event, jobs: [reading.job] }
    case 'ignored':
      return { kind: 'ignored', id, event, reason: reading.reason }
    case 'invalid':
      return reading
  }
}
