import type { DeliveredJob } from './core/intake.ts'
import type { ToldJob } from './core/job.ts'
import { boundedLabels } from './core/label-limits.ts'
import type { LabelRules } from './core/labels.ts'
import { assign } from './core/match.ts'
import type { Target } from './core/target.ts'
import type { Reading } from './forges/forge.ts'
import type { DeliveryRecord } from './store/store.ts'

/** A reading of a delivery that was signed and understood. */
export type Understood = Extract<Reading, { kind: 'jobs' | 'nudge' | 'ignored' }>

export interface Receiver {
  name: string
  targets: readonly Target[]
  labels: LabelRules
}

/** How and when a delivery came. */
export interface Arrival {
  /** Epoch milliseconds. */
  at: number
  via: DeliveryRecord['via']
  /** Fingerprint of the secret that signed it; null where none did. */
  signedBy: string | null
}

/** What is written down of a delivery, whether it came over HTTP or was read back from the forge. */
export function deliveryRecord(
  reading: Understood,
  receiver: Receiver,
  { at, via, signedBy }: Arrival,
): DeliveryRecord {
  const record: DeliveryRecord = {
    instance: receiver.name,
    id: reading.id,
    event: reading.event,
    receivedAt: at,
    via,
    signedBy,
    result: 'accepted',
    reason: null,
    nudge: reading.kind === 'nudge',
    jobEvent: reading.kind === 'jobs',
    jobs: [],
  }
  switch (reading.kind) {
    case 'nudge':
      return record
    case 'ignored':
      return { ...record, result: 'ignored', reason: reading.reason }
    case 'jobs': {
      const jobs = reading.jobs.flatMap((told) => delivered(told, receiver))
      // The forge's own runners take them all. It is a job event all the same: the webhook works.
      const hosted = reading.jobs.length > 0 && jobs.length === 0
      return hosted ? { ...record, result: 'ignored', reason: 'hosted' } : { ...record, jobs }
    }
  }
}

/** The job with its target; nothing for one that the forge runs itself. */
function delivered(asTold: ToldJob, { targets, labels }: Receiver): DeliveredJob[] {
  const told = { ...asTold, labels: boundedLabels(asTold.labels) }
  const assignment = assign(told, targets, labels)
  return 'hosted' in assignment ? [] : [{ told, ...assignment }]
}
