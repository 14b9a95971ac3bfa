import type { z } from 'zod'
import { createForgeApi, type ForgeAnswer, type ForgeRequest } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import type { ForgeContext } from '../forge.ts'
import { createAnswerCache } from './answer-cache.ts'
import type { GithubOptions } from './options.ts'
import { createPace } from './pace.ts'

/** Served by github.com and by every supported Enterprise Server; without the header a host silently moves on to newer ones. */
export const apiVersion = '2022-11-28'

export interface GithubRequest<Schema extends z.ZodType> extends ForgeRequest<Schema> {
  /** What the token needs for this call, told when it is refused; null when any token will do. */
  needs: string | null
}

/** Calls to GitHub's REST API. Lists that have not changed cost no quota. */
export interface GithubApi {
  call<Schema extends z.ZodType>(
    request: GithubRequest<Schema>,
    signal?: AbortSignal,
  ): Promise<ForgeAnswer<z.output<Schema>>>
}

export function createGithubApi(
  { apiUrl, ca, token }: GithubOptions,
  { clock, onCall }: Pick<ForgeContext, 'clock' | 'onCall'>,
): GithubApi {
  const pace = createPace(clock)
  const api = createForgeApi({
    base: apiUrl,
    ca,
    clock,
    onCall,
    cache: createAnswerCache(),
    headers: () => ({
      authorization: `Bearer ${token.reveal()}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': apiVersion,
    }),
  })
  return {
    async call({ needs, ...request }, signal) {
      if ((request.method ?? 'GET') === 'GET') await pace(signal)
      try {
        return await api.call(request, signal)
      } catch (error) {
        throw error instanceof ForgeRefused ? explained(error, needs) : error
      }
    },
  }
}

/** GitHub says little when it refuses; a missing permission often shows as 404. */
function explained({ call, status, detail, retryAt }: ForgeRefused, needs: string | null): ForgeRefused {
  const hint = hintFor(status, needs)
  return new ForgeRefused(call, status, [detail, hint].filter(Boolean).join('; '), retryAt)
}

function hintFor(status: number, needs: string | null): string | null {
  switch (status) {
    case 401:
      return 'the token is wrong, expired or revoked'
    case 403:
      return needs && `the token needs ${needs}`
    case 404:
      return needs && `there is no such thing, or the token does not see it: it needs ${needs}`
    case 410:
      return `this host may no longer serve API version ${apiVersion}: a newer Muster may be needed`
    default:
      return null
  }
}
