import type { Scope } from '../../core/scope.ts'
import type { Secret } from '../../secret.ts'
import type { RawDelivery, Reading } from '../forge.ts'
import { deliveryId, eventOf, parseJson, verified } from '../signature.ts'
import { readWorkflowJob } from '../workflow-job.ts'

/** Verifies the bytes, then reads them. Only `workflow_job` says something of jobs; GitHub sends a `ping` when a hook is made. */
export async function readDelivery(delivery: RawDelivery, secrets: readonly Secret[], scope: Scope): Promise<Reading> {
  if (!(await verified(delivery, secrets))) return { kind: 'unauthorized' }
  const body = parseJson(delivery)
  if (body.kind === 'invalid') return body
  const id = deliveryId(delivery, ['x-github-delivery'])
  const event = eventOf(delivery, body.value)
  if (event !== 'workflow_job') return { kind: 'ignored', id, event, reason: event === 'ping' ? 'ping' : 'event' }
  const reading = readWorkflowJob(body.value, scope)
  switch (reading.kind) {
    case 'job':
      return { kind: 'jobs', id, event, jobs: [reading.job] }
    case 'ignored':
      return { kind: 'ignored', id, event, reason: reading.reason }
    case 'invalid':
      return reading
  }
}
