import { z } from 'zod'
import { unlessAbsent } from './absent.ts'
import type { ForgeApi } from './api.ts'

const version = z.object({ version: z.string() })

/** The version as Forgejo (`15.0.3+gitea-1.22.0`) or Gitea (`1.26.3`, `development`) tells it; null where neither answers there. */
export async function versionOf(api: ForgeApi, signal: AbortSignal): Promise<string | null> {
  const answer = await unlessAbsent(api.call({ path: '/api/v1/version', answer: version }, signal))
  return answer?.value.version ?? null
}
