import type { Clock } from '../../clock.ts'
import type { ForgejoClient } from './client.ts'

/** Milliseconds: a repository may be renamed, or become visible to us. */
const believed = 10 * 60_000

/** The names of repositories, which Forgejo's job list leaves out; each is asked for once in ten minutes. */
export function createRepositories(client: Pick<ForgejoClient, 'repositoryName'>, clock: Clock) {
  const names = new Map<string, { name: string | null; until: number }>()

  return {
    /** By id; null for one that is gone or hidden from us. Rejects when the forge cannot be asked. */
    async named(ids: Iterable<string>, signal: AbortSignal): Promise<ReadonlyMap<string, string | null>> {
      const now = clock.monotonic()
      for (const [id, { until }] of names) if (until <= now) names.delete(id)
      const found = new Map<string, string | null>()
      for (const id of new Set(ids)) {
        const known = names.get(id) ?? { name: await client.repositoryName(id, signal), until: now + believed }
        names.set(id, known)
        found.set(id, known.name)
      }
      return found
    },
  }
}
