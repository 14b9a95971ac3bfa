import type { Clock } from '../clock.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Launched, LaunchRequest } from '../dispatchers/dispatcher.ts'
import { DispatchRefused, DispatchUnanswered } from '../dispatchers/errors.ts'
import type { Place } from './places.ts'

interface LaunchOptions {
  clock: Clock
  /** Milliseconds until a call without an answer is left alone, open. */
  timeout: number
  /** Aborted when the process ends: the call is given up. */
  signal: AbortSignal
  /** Called when the timeout has passed without an answer. */
  onLate: () => void
}

/** One call to a dispatcher, to its end. Never rejects; null for a call that ended without telling anything. */
export async function launchOnce(
  place: Place,
  request: LaunchRequest,
  { clock, timeout, signal, onLate }: LaunchOptions,
): Promise<Outcome | null> {
  const answer = place.dispatcher.launch(request, signal).then(
    (launched): Launched | Error => launched,
    (error): Error => (error instanceof Error ? error : new Error(String(error))),
  )
  const waiting = new AbortController()
  const late = clock.sleep(timeout, waiting.signal).then(() => 'late' as const)
  const isLate = (await Promise.race([answer, late])) === 'late'
  waiting.abort()
  if (isLate) onLate()
  const settled = await answer
  // A dispatcher that lists what it runs tells itself when a runner has ended: its late answer is a slow one.
  const outlived = isLate && !place.dispatcher.traits.lists ? timeout : null
  const at = clock.now()
  if (!(settled instanceof Error))
    return { kind: 'accepted', at, name: settled.name, outlived, blocking: place.blocking }
  if (settled instanceof DispatchRefused)
    return { kind: 'refused', at, reason: message(settled), retryAt: settled.retryAt }
  return signal.aborted || settled instanceof DispatchUnanswered
    ? null
    : { kind: 'unknown', at, reason: message(settled) }
}

/** At most 256 characters of it. */
export function message(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 256)
}
