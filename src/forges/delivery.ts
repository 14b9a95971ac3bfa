import type { ToldJob } from '../core/job.ts'
import type { Secret } from '../secret.ts'
import type { RawDelivery, Reading } from './forge.ts'
import { deliveryId, eventOf, parseJson, signedBy } from './signature.ts'

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
  const secret = await signedBy(delivery, secrets)
  if (secret === null) return { kind: 'unauthorized' }
  const parsed = parseJson(delivery)
  if (parsed.kind === 'invalid') return parsed
  const event = eventOf(delivery, parsed.value)
  const id = deliveryId(delivery, idHeaders)
  return readingOf(tell(event, parsed.value), { id, event, secret })
}

/** What was told, as the reading of one delivery. */
export function readingOf(told: Told, about: { id: string; event: string; secret: number | null }): Reading {
  switch (told.kind) {
    case 'job':
      return { kind: 'jobs', ...about, jobs: [told.job] }
    case 'nudge':
      return { kind: 'nudge', ...about }
    case 'ignored':
      return { kind: 'ignored', ...about, reason: told.reason }
    case 'invalid':
      return told
  }
}
