import { z } from 'zod'
import type { Scrubber } from '../../secret.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'

/** Why a call to the API server failed. */
export interface Fault {
  /** The HTTP status; null when there was no answer. */
  status: number | null
  /** The word of the API for it (`AlreadyExists`, `Forbidden`, …); empty where it gave none. */
  word: string
  message: string
  /** Seconds; null where none were named. */
  retryAfter: number | null
  /** False only when surely no byte of the request left. */
  sent: boolean
}

/** The call came to nothing before its connection was even begun: no credential could be had, or it was given up. */
export class NeverSent extends Error {
  override readonly name = 'NeverSent'
}

// What the client throws for an answer that is none of success (ApiException), and for a watch.
const answered = z.object({ code: z.int(), body: z.unknown(), headers: z.record(z.string(), z.string()) })
const watchAnswered = z.object({ statusCode: z.int() })
const status = z.object({ reason: z.string().default(''), message: z.string() }).partial()

/** What fetch says of a connection that never stood. */
const neverConnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_CERT_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*)$/

/** Reads whatever a call was rejected with. The client's own message is not used: it holds the whole answer. */
export function faultOf(error: unknown): Fault {
  const { data: answer } = answered.safeParse(error)
  if (answer) return answerFault(answer.code, answer.body, answer.headers)
  const { data: watched } = watchAnswered.safeParse(error)
  if (watched) return answerFault(watched.statusCode, undefined, {})
  const none = { status: null, word: '', retryAfter: null }
  if (!(error instanceof Error)) return { ...none, message: String(error), sent: true }
  if (error instanceof NeverSent) return { ...none, message: error.message, sent: false }
  if (error.name === 'TimeoutError') return { ...none, message: 'no answer before the deadline', sent: true }
  if (error.name === 'AbortError') return { ...none, message: 'the call was given up', sent: true }
  const cause = error.cause instanceof Error ? error.cause : error
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  const message = cause.message.includes(code) ? cause.message || code : `${code}: ${cause.message}`
  return { ...none, message, sent: !neverConnected.test(code) }
}

export function isGone(error: unknown): boolean {
  return faultOf(error).status === 404
}

/** A list or a watch began from a version that the API server has forgotten. */
export function isExpired(error: unknown): boolean {
  return faultOf(error).status === 410
}

export function existsAlready(error: unknown): boolean {
  const { status, word } = faultOf(error)
  // A 409 of another word is a quota that was counted twice at once, or the like: nothing exists.
  return status === 409 && word === 'AlreadyExists'
}

/** The precondition of a deletion did not hold. */
export function isAnother(error: unknown): boolean {
  const { status, word } = faultOf(error)
  return status === 409 && word !== 'AlreadyExists'
}

/** Null for an error that is all right here. */
export function unless(...fine: ((error: unknown) => boolean)[]): (error: unknown) => null {
  return (error) => {
    if (fine.some((is) => is(error))) return null
    throw error
  }
}

/**
 * The outcome of a start whose call failed. A 4xx and a connection that never stood say no; a 409 that is no AlreadyExists is a
 * collision that the next try may not meet; anything else may have been carried out.
 */
export function outcomeOf(
  error: unknown,
  doing: string,
  { now, scrubber }: { now: number; scrubber: Scrubber },
): Error {
  if (error instanceof DispatchRefused || error instanceof DispatchUnknown) return error
  const fault = faultOf(error)
  const told = reason(sentence(fault, doing), scrubber)
  const refused = fault.status === null ? !fault.sent : fault.status < 500 && fault.status !== 409
  if (!refused) return new DispatchUnknown(told)
  return new DispatchRefused(told, { retryAt: fault.retryAfter === null ? null : now + fault.retryAfter * 1_000 })
}

/** One sentence with how to mend it, where that is known. */
export function sentence(fault: Fault, doing: string): string {
  if (fault.status === null) return `${doing} failed: ${fault.message}`
  return `${doing} was answered ${fault.status}: ${fault.message}${remedy(fault)}`
}

function remedy({ status, message }: Fault): string {
  if (status === 404 && message.startsWith('namespaces "')) return '; make it, or set "namespace" to another one'
  if (status === 401) return '; the kubeconfig or the service account has no valid credential'
  // As RBAC words it; a quota or an admission rule says "forbidden", too, and knows better what is wrong.
  if (status === 403 && /cannot \w+ resource/.test(message)) return '; grant what deploy/kubernetes/rbac.yaml grants'
  return ''
}

function answerFault(code: number, body: unknown, headers: Record<string, string>): Fault {
  const told = status.safeParse(parsed(body)).data ?? {}
  const after = Number(headers['retry-after'])
  return {
    status: code,
    word: told.reason ?? '',
    message: told.message || (code === 401 ? 'Unauthorized' : 'without a word that the API would say'),
    retryAfter: headers['retry-after'] && Number.isFinite(after) ? Math.min(Math.max(after, 1), 600) : null,
    sent: true,
  }
}

function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
