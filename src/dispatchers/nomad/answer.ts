import { z } from 'zod'
import type { HttpAnswer } from '../../http-client.ts'

/** What Nomad's answer to a dispatch means. `retryAt` is in epoch milliseconds. */
export type AnswerReading =
  /** `evaluation` is null when the key was used before: the job is the one of then. */
  | { kind: 'accepted'; job: string; evaluation: string | null }
  | { kind: 'refused'; reason: string; retryAt: number | null }
  | { kind: 'unknown'; reason: string }

const dispatched = z.object({ DispatchedJobID: z.string().min(1), EvalID: z.string().optional() })

/**
 * What Nomad says as a bare error, which its agent makes a 500, before anything is written: the checks of `Job.Dispatch` (nomad/job_endpoint.go,
 * 1.5 to 1.10), and an RPC that found no leader ("always safe to retry since no state could have been changed", client/rpc.go).
 */
const harmless =
  /parameterized job not found|is not a parameterized job|Specified job .* is stopped|Payload (is not provided|provided but forbidden|exceeds maximum size)|unpermitted metadata keys|did not provide required meta keys|Duplicate key .* in passed metadata|No cluster leader|No path to region/i

/** Reads an answer: a 4xx and a check of Nomad's own say no; any other 5xx may have come after the job was written. */
export function readAnswer(answer: HttpAnswer, now: number): AnswerReading {
  const { status } = answer
  const words = answer.body.trim() || 'nothing'
  if (status >= 200 && status < 300) return accepted(answer)
  if (status < 500 || harmless.test(words))
    return { kind: 'refused', reason: `Nomad answered ${status}: ${words}`, retryAt: retryAt(answer, now) }
  return { kind: 'unknown', reason: `Nomad answered ${status}: ${words}` }
}

function accepted({ body, status }: HttpAnswer): AnswerReading {
  const read = dispatched.safeParse(json(body))
  if (read.success) return { kind: 'accepted', job: read.data.DispatchedJobID, evaluation: read.data.EvalID || null }
  return {
    kind: 'unknown',
    reason: `answered ${status} without a DispatchedJobID; is "url" the address of a Nomad agent?`,
  }
}

/** `Retry-After` in seconds, kept between 1 s and 10 min. Nomad sends none itself; a proxy before it may. */
function retryAt({ headers }: HttpAnswer, now: number): number | null {
  const header = headers['retry-after'] ?? ''
  return /^\d+$/.test(header) ? now + Math.min(Math.max(Number(header), 1), 600) * 1_000 : null
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
