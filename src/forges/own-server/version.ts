import { z } from 'zod'
import { unlessAbsent } from '../absent.ts'
import type { ForgeApi } from '../api.ts'

const version = z.object({ version: z.string() })

/** The version as Forgejo (`15.0.3+gitea-1.22.0`) or Gitea (`1.26.3`, `development`) tells it; null where neither answers there. */
export async function versionOf(api: ForgeApi, signal: AbortSignal): Promise<string | null> {
  const answer = await unlessAbsent(api.call({ path: '/api/v1/version', answer: version }, signal))
  return answer?.value.version ?? null
}

/**
 * Which of the two it is. Forgejo's numbers begin at 7, Gitea's are 1.24 and the like; a build that names none is asked by a call that
 * Forgejo alone has.
 */
export async function kindOf(told: string | null, api: ForgeApi, signal: AbortSignal): Promise<'forgejo' | 'gitea'> {
  const [, major] = /^v?(\d+)\./.exec(told ?? '') ?? []
  if (major !== undefined) return Number(major) > 1 ? 'forgejo' : 'gitea'
  const own = await unlessAbsent(api.call({ path: '/api/forgejo/v1/version', answer: version }, signal))
  return own === null ? 'gitea' : 'forgejo'
}
