import type { Dispatch, GoneReason } from './dispatch.ts'
import { endsAt } from './gone.ts'
import type { RunnerList } from './look.ts'

/** How long a dispatch is gone before what is left of its runner is removed: the forge removes a used registration by itself. Milliseconds. */
const grace = 60_000

/** A registration that nobody will use any more. */
export interface Leftover {
  id: string
  name: string
}

/** The dispatches whose runners a look lists as offline: by id, with the registration. Only names that we give count. */
export function offlineOurs(list: RunnerList | null, owner: string): ReadonlyMap<string, Leftover> {
  const prefix = `${owner}-`
  const found = (list?.runners ?? []).flatMap(({ id, name, state }): [string, Leftover][] =>
    state === 'offline' && name.startsWith(prefix) ? [[name.slice(prefix.length), { id, name }]] : [],
  )
  return new Map(found)
}

/** What is known of a dispatch that is gone. */
export type EndedDispatch = Pick<Dispatch, 'sentAt' | 'ttl'> & { goneAt: number; goneReason: GoneReason }

/** These free a slot though the runner may still come, or be at work: only its `ttl` ends it for sure. */
const unproven: readonly GoneReason[] = ['never_seen', 'released', 'freed_without_proof']

/** Those of them whose runner is known to be over: never used (a start that failed, a job that was cancelled) or used and not removed. */
export function leftovers(
  offline: ReadonlyMap<string, Leftover>,
  ended: ReadonlyMap<string, EndedDispatch>,
  now: number,
): Leftover[] {
  return [...offline].flatMap(([id, leftover]) => {
    const dispatch = ended.get(id)
    return dispatch && now >= overAt(dispatch) + grace ? [leftover] : []
  })
}

function overAt(dispatch: EndedDispatch): number {
  const { goneAt, goneReason } = dispatch
  return unproven.includes(goneReason) ? Math.max(goneAt, endsAt(dispatch)) : goneAt
}
