import type { Scope } from '../core/scope.ts'
import type { Outbox } from './outbox.ts'
import { covers, type Ground, type Hook, type Repository, sameScope } from './state.ts'

/** What a dialect makes of a happening: one webhook event. */
export interface Announcement {
  event: string
  action: string | null
  /** Where it happened; only hooks that cover it are told. */
  repository: Repository
  jobId: number | null
  /** Made once per hook; the bytes are made from it when it is sent. */
  payload: (hook: Hook) => unknown
}

export interface Hooks {
  create(hook: Omit<Hook, 'id' | 'createdAt' | 'updatedAt'>): Hook
  /** Hooks of exactly this scope, oldest first. */
  of(scope: Scope): Hook[]
  find(scope: Scope, id: number): Hook | null
  change(hook: Hook, change: Partial<Omit<Hook, 'id' | 'scope' | 'createdAt' | 'updatedAt'>>): Hook
  remove(hook: Hook): void
  /** Puts one delivery into the outbox for each active hook that covers the place and asked for the event. */
  announce(announcement: Announcement): void
  /** Sends to one hook whatever it subscribed to: pings and tests. */
  send(hook: Hook, announcement: Omit<Announcement, 'repository'>): void
}

export function createHooks(ground: Ground, outbox: Outbox): Hooks {
  const { hooks, clock } = ground
  const of = (scope: Scope) => [...hooks.values()].filter((hook) => sameScope(hook.scope, scope))

  function send(hook: Hook, { event, action, jobId, payload }: Omit<Announcement, 'repository'>): void {
    const { uuid } = ground
    outbox.put({ id: uuid(), hookId: hook.id, event, action, jobId, payload: payload(hook), madeAt: clock.now() })
  }

  return {
    of,
    send,
    create(told) {
      const hook: Hook = { ...told, id: ground.next('hook'), createdAt: clock.now(), updatedAt: clock.now() }
      hooks.set(hook.id, hook)
      ground.tell({ kind: 'hook_made', hook })
      return hook
    },
    find: (scope, id) => of(scope).find((hook) => hook.id === id) ?? null,
    change: (hook, change) => Object.assign(hook, change, { updatedAt: clock.now() }),
    remove: (hook) => void hooks.delete(hook.id),
    announce(announcement) {
      for (const hook of hooks.values()) {
        const wanted = hook.events.includes(announcement.event) || hook.events.includes('*')
        if (hook.active && !hook.template && wanted && covers(hook.scope, announcement.repository))
          send(hook, announcement)
      }
    },
  }
}
