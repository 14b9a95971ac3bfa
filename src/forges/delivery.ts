import type { ToldJob } from '../core/job.ts'
import type { Secret } from '../secret.ts'
import type { RawDelivery, Reading } from './forge.ts'
import { deliveryId, eventOf, parseJson, verified } from './signature.ts'

/** What the body of a signed delivery says. */
export type Told =
  | { kind: 'job'; job: ToldJob }
  | { kind: 'nudge' }
  | { kind: 'ignored'; reason: string }
  | { kind: 'invalid'; problem: string }

export interface Envelope {
  secrets: readonly Secret[]
  /** Where the forge puts its id of the delivery; the first header that has one counts. */
  idHeaders: readonly string[]
}

/** Verifies the raw bytes, then parses them, then asks the dialect what the event tells. Never throws if `tell` does not. */
export async function readDelivery(
  delivery: RawDelivery,
  { secrets, idHeaders }: Envelope,
  tell: (event: string, body: unknown) => Told,
): Promise<Reading> {
  if (!(await verified(delivery, secrets))) return { kind: 'unauthorized' }
  const parsed = parseJson(delivery)
  if (parsed.kind === 'invalid') return parsed
  const event = eventOf(delivery, parsed.value)
  const id = deliveryId(delivery, idHeaders)
  const told = tell(event, parsed.value)
  switch (told.kind) {
    case 'job':
      return { kind: 'jobs', id, event, jobs: [told.job] }
    case 'nudge':
      return { kind: 'nudge', id, event }
    case 'ignored':
      return { kind: 'ignored', id, event, reason: told.reason }
    case 'invalid':
      return told
  }
}
