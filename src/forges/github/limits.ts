import type { Clock } from '../../clock.ts'
import type { HttpAnswer } from '../../http-client.ts'
import { retryAfter } from '../api.ts'
import { ForgeLimited } from '../errors.ts'

/** A primary rate limit as GitHub told it last. */
export interface Quota {
  limit: number
  remaining: number
  /** Epoch milliseconds. */
  resetAt: number
}

/** What a call draws on: the quota of most of the API, and for registrations one of their own besides (1,500 in 5 minutes). */
export type Resource = 'core' | 'actions_runner_registration'

/** What GitHub's rate limits still allow. An Enterprise Server that tells of no limits has none. */
export interface Limits {
  /** Throws `ForgeLimited` where the call must not go out now. `urgent` ones may use the reserve. */
  admit(call: string, draw: { urgent: boolean; resource: Resource }): void
  /** Takes in what the headers of an answer say. */
  note(answer: HttpAnswer): void
  /** When a secondary limit lets calls out again, epoch milliseconds; in the past where none is in force. */
  readonly closedUntil: number
  /** The quota of `core`; null while nobody told one. */
  readonly core: Quota | null
}

const minute = 60_000
const hour = 60 * minute

/** What looks leave to registrations and removals: without a runner, no look is of any use. */
export function reserveOf(limit: number): number {
  return Math.min(500, Math.floor(limit / 10))
}

/**
 * Follows docs.github.com, "Rate limits for the REST API" and "Best practices": a secondary limit closes everything until its
 * `retry-after`, or for a minute that doubles with each further one; asking on meanwhile can get a token banned.
 */
export function createLimits(clock: Pick<Clock, 'now'>): Limits {
  const quotas = new Map<string, Quota>()
  let closedUntil = 0
  let refusals = 0

  function inForce(resource: Resource): Quota | null {
    const quota = quotas.get(resource)
    return quota && clock.now() < quota.resetAt ? quota : null
  }

  return {
    get closedUntil() {
      return closedUntil
    },
    get core() {
      return quotas.get('core') ?? null
    },
    admit(call, { urgent, resource }) {
      if (clock.now() < closedUntil) throw new ForgeLimited(call, closedUntil)
      const core = inForce('core')
      if (core && core.remaining <= (urgent ? 0 : reserveOf(core.limit))) throw new ForgeLimited(call, core.resetAt)
      const own = inForce(resource)
      if (own?.remaining === 0) throw new ForgeLimited(call, own.resetAt)
    },
    note(answer) {
      const now = clock.now()
      const told = quotaOf(answer)
      if (told) quotas.set(told.resource, lower(quotas.get(told.resource), told.quota))
      // Several calls under way are refused together: that is one refusal.
      if (now < closedUntil) return
      if (isSecondary(answer)) {
        const patience = Math.min(minute * 2 ** refusals, hour)
        refusals++
        closedUntil = retryAfter(answer.headers['retry-after'], now) ?? now + patience
      } else if (answer.status < 400) refusals = 0
    },
  }
}

function quotaOf({ headers }: HttpAnswer): { resource: string; quota: Quota } | null {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) => {
    const text = headers[`x-ratelimit-${name}`]
    return text ? Number(text) : Number.NaN
  }) as [number, number, number]
  if (![limit, remaining, reset].every(Number.isFinite)) return null
  return { resource: headers['x-ratelimit-resource'] || 'core', quota: { limit, remaining, resetAt: reset * 1_000 } }
}

/** Answers overtake each other: within one window what remains only falls. */
function lower(known: Quota | undefined, told: Quota): Quota {
  if (known?.resetAt !== told.resetAt) return told
  return { ...told, remaining: Math.min(known.remaining, told.remaining) }
}

/** A refusal for the sake of a limit while something of the quota is left. */
function isSecondary({ status, headers, body }: HttpAnswer): boolean {
  if (status !== 403 && status !== 429) return false
  if (headers['x-ratelimit-remaining'] === '0') return false
  return status === 429 || Boolean(headers['retry-after']) || /rate limit/i.test(body)
}
