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

/** Those of them whose dispatch is known to be gone: never used (a start that failed, a job that was cancelled) or used and not removed. */
export function leftovers(
  offline: ReadonlyMap<string, Leftover>,
  ended: ReadonlyMap<string, number>,
  now: number,
): Leftover[] {
  return [...offline].flatMap(([dispatch, leftover]) => {
    const goneAt = ended.get(dispatch)
    return goneAt !== undefined && now >= goneAt + grace ? [leftover] : []
  })
}
