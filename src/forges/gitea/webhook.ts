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
  /** False where a job without labels is no job for a runner. */
  unlabelled: boolean
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
      if (reading.job.labels.length === 0 && !context.unlabelled) {
        return { kind: 'ignored', id, event, reason: 'unlabelled' }
      }
      return { kind: 'jobs', id, event, jobs: [reading.job] }
    case 'ignored':
      return { kind: 'ignored', id, event, reason: reading.reason }
    case 'invalid':
      return reading
  }
}
