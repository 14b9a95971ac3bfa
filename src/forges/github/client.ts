import type { z } from 'zod'
import { createForgeApi, type ForgeAnswer, type ForgeRequest } from '../api.ts'
import { ForgeLimited, ForgeRefused } from '../errors.ts'
import type { ForgeContext } from '../forge.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { Credential } from './credential.ts'
import { createGate } from './gate.ts'
import { createLimits, type Quota, type Resource } from './limits.ts'
import type { GithubOptions } from './options.ts'
import { createPace, points } from './pace.ts'

/** Served by github.com and by every supported Enterprise Server; without the header a host silently moves on to newer ones. */
export const apiVersion = '2022-11-28'

/** What every call says besides its token. */
export const dialect = { accept: 'application/vnd.github+json', 'x-github-api-version': apiVersion } as const

/** GitHub asks for serial requests; a few reads at once is what a large organization needs. */
const readsAtOnce = 4

export interface GithubRequest<Schema extends z.ZodType> extends ForgeRequest<Schema> {
  /** What the token needs for this call, told when it is refused; null when any token will do. */
  needs: string | null
  /** A registration or a removal: it may use what looks leave of the quota. */
  urgent?: boolean
  /** What it draws on. Default `core`. */
  resource?: Resource
}

/** Calls to GitHub's REST API. Lists that have not changed cost no quota. */
export interface GithubApi {
  /** Rejects with `ForgeLimited` before anything is sent, while GitHub's limits or our reserve forbid the call. */
  call<Schema extends z.ZodType>(
    request: GithubRequest<Schema>,
    signal?: AbortSignal,
  ): Promise<ForgeAnswer<z.output<Schema>>>
  /** What the last answers told besides their bodies. */
  readonly told: Told
}

export interface Told {
  /** How far GitHub's clock is ahead of ours, milliseconds. */
  ahead: number | null
  /** The scopes of a classic token; null for any other, which has permissions instead. */
  scopes: readonly string[] | null
  quota: Quota | null
}

type Port = Pick<ForgeContext, 'clock' | 'onCall' | 'onQuota' | 'note'>

export function createGithubApi(
  options: GithubOptions,
  credential: Credential,
  { clock, onCall, onQuota, note }: Port,
): GithubApi {
  const { apiUrl, ca } = options
  const pace = createPace(clock)
  const reading = createGate(readsAtOnce)
  const limits = createLimits(clock)
  const told: Told = { ahead: null, scopes: null, quota: null }
  const cache = createAnswerCache()
  let sunset: string | undefined
  const api = createForgeApi({
    base: apiUrl,
    ca,
    clock,
    onCall,
    cache,
    async headers(signal) {
      await credential.ready(signal)
      return { ...dialect, authorization: `Bearer ${credential.reveal()}` }
    },
    renew: () => credential.renew(),
    onAnswer(answer) {
      limits.note(answer)
      const { date, 'x-oauth-scopes': scopes } = answer.headers
      if (answer.headers.sunset && answer.headers.sunset !== sunset) {
        sunset = answer.headers.sunset
        note(`GitHub stops serving API version ${apiVersion} on ${sunset}: a newer Muster will be needed`)
      }
      told.ahead = date ? Date.parse(date) - clock.now() : told.ahead
      told.scopes = scopes === undefined ? told.scopes : scopes.split(/[\s,]+/).filter(Boolean)
      told.quota = limits.core
      if (told.quota) onQuota?.(told.quota)
    },
  })

  async function send<Schema extends z.ZodType>(request: GithubRequest<Schema>, signal?: AbortSignal) {
    const { needs, urgent = false, resource = 'core', ...plain } = request
    const { method = 'GET', path } = plain
    await pace(signal, method === 'GET' ? points.read : points.write)
    limits.admit(`${method} ${path}`, { urgent, resource })
    await credential.ready(signal)
    // What another token was answered is not answered 304 to this one.
    cache.keepFor(credential.reveal())
    try {
      return await api.call(plain, signal)
    } catch (error) {
      if (error instanceof ForgeLimited) {
        throw new ForgeLimited(error.call, Math.max(error.retryAt ?? 0, limits.closedUntil))
      }
      // Where an App's token could not be had, that call has said why.
      throw error instanceof ForgeRefused && error.call.endsWith(path) ? explained(error, needs) : error
    }
  }

  return {
    told,
    call: (request, signal) =>
      (request.method ?? 'GET') === 'GET' ? reading(() => send(request, signal)) : send(request, signal),
  }
}

/** GitHub says little when it refuses; a missing permission often shows as 404. */
function explained(refused: ForgeRefused, needs: string | null): ForgeRefused {
  const hint = hintFor(refused, needs)
  const { call, status, detail, retryAt } = refused
  return new ForgeRefused(call, status, [detail, hint].filter(Boolean).join('; '), retryAt)
}

function hintFor({ status }: ForgeRefused, needs: string | null): string | null {
  switch (status) {
    case 401:
      return 'the token is wrong, expired or revoked'
    case 403:
      return needs && `the token needs ${needs}`
    case 404:
      return needs && `there is no such thing, or the token does not see it: it needs ${needs}`
    case 301:
      return 'it was renamed or moved: mend the scope'
    case 410:
      return `this host may no longer serve API version ${apiVersion}: a newer Muster may be needed`
    default:
      return null
  }
}
