import type { Scope } from '../../core/scope.ts'
import type { Told } from '../delivery.ts'
import { readWorkflowJob } from '../workflow-job.ts'

export const idHeaders = ['x-github-delivery'] as const

/** Only `workflow_job` says something of jobs; GitHub sends a `ping` when a hook is made. */
export function readEvent(event: string, body: unknown, scope: Scope): Told {
  if (event === 'workflow_job') return readWorkflowJob(body, scope)
  return { kind: 'ignored', reason: event === 'ping' ? 'ping' : 'event' }
}
