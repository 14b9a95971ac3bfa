import { z } from 'zod'
import type { Clock } from '../../clock.ts'
import { shortDelay } from '../../core/backoff.ts'
import type { Cluster, Selection, Watched } from './cluster.ts'
import { isExpired } from './faults.ts'

/** Who is told what a kind of object comes to. */
export interface Follower {
  /** Everything there is. Also after a break: what is missing now has gone meanwhile. */
  listed(objects: readonly unknown[]): void
  changed(object: unknown, how: 'there' | 'deleted'): void
  /** It cannot be followed, and is tried again; told once until it can be. */
  failed(error: unknown): void
}

/** A stream that ends sooner brings nothing; asked again without a pause it would be asked for ever. Milliseconds. */
const soon = 1_000

const versioned = z.object({ metadata: z.object({ resourceVersion: z.string() }) })
const failure = z.object({ code: z.int() })

/**
 * Follows a kind of object until `closing`: one list, then watches, each from where the last one ended. A version that the API server has
 * forgotten (410 Gone, as an answer or within the stream) begins with a list again; after a failure 1, 2, 4 … 30 s are waited.
 */
export async function follow(
  kind: Watched,
  selection: Selection,
  follower: Follower,
  { cluster, clock, closing }: { cluster: Cluster; clock: Clock; closing: AbortSignal },
): Promise<void> {
  let version: string | null = null
  let broken = false
  for (let failures = 0; !closing.aborted; ) {
    const startedAt = clock.monotonic()
    try {
      if (version === null) {
        const { items, resourceVersion } = await cluster.list(kind, selection, closing)
        follower.listed(items)
        version = resourceVersion
      }
      await watch(version)
      failures = clock.monotonic() - startedAt < soon ? failures + 1 : 0
      broken = false
    } catch (error) {
      if (closing.aborted) return
      if (isExpired(error)) version = null
      else if (!broken) follower.failed(error)
      broken ||= !isExpired(error)
      failures++
    }
    if (failures > 0) await clock.sleep(shortDelay(failures), closing)
  }

  async function watch(from: string): Promise<void> {
    const ending = new AbortController()
    let told: unknown = null
    await cluster.watch(
      kind,
      { ...selection, resourceVersion: from },
      (type, object) => {
        if (type === 'ERROR') {
          told = { statusCode: failure.safeParse(object).data?.code ?? 500 }
          return ending.abort()
        }
        version = versioned.safeParse(object).data?.metadata.resourceVersion ?? version
        if (type !== 'BOOKMARK') follower.changed(object, type === 'DELETED' ? 'deleted' : 'there')
      },
      AbortSignal.any([closing, ending.signal]),
    )
    if (told !== null) throw told
  }
}
