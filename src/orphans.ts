import type { Clock } from './clock.ts'
import { givenUpAt } from './core/gone.ts'
import type { Log } from './log.ts'
import type { Store } from './store/store.ts'

interface OrphanDeps {
  store: Pick<Store, 'dispatches' | 'settle'>
  clock: Clock
  log: Log
}

/**
 * Frees slots of instances that went from the configuration while no process ran, twice their `ttl` after the start: nobody looks at their
 * forge any more, so nothing can prove them free, and they would count at their dispatcher for ever. Answers how long until the next is due.
 */
export async function freeOrphans(
  { store, clock, log }: OrphanDeps,
  isFollowed: (instance: string) => boolean,
): Promise<number> {
  let wait = Number.POSITIVE_INFINITY
  for (let cursor: string | undefined; ; ) {
    const { items, next } = await store.dispatches({ live: true, limit: 500, cursor })
    for (const dispatch of items.filter(({ instance }) => !isFollowed(instance))) {
      const { id, instance } = dispatch
      const at = clock.now()
      const left = givenUpAt(dispatch) - at
      if (left > 0) wait = Math.min(wait, left)
      else {
        await store.settle(id, { kind: 'gone', at, why: 'freed_without_proof' })
        log.warn({ dispatch: id, instance }, 'a slot of an instance that is configured no more was freed')
      }
    }
    if (next === null) return wait
    cursor = next
  }
}
