import type { LaunchRequest } from '../dispatcher.ts'

/** What a container of ours is: a runner, or the engine that it has for itself. */
export type Role = 'runner' | 'engine'

/** What the labels of a container of ours tell. */
export interface Mark {
  owner: string
  dispatch: string
  role: Role
  /** Epoch milliseconds; null where somebody changed the label. */
  endsAt: number | null
}

export const ownerLabel = 'io.muster.owner'
const dispatchLabel = 'io.muster.dispatch'
const instanceLabel = 'io.muster.instance'
const roleLabel = 'io.muster.role'
const endsAtLabel = 'io.muster.ends-at'

/** The labels that make a container ours. Everybody may read them. */
export function marks(
  { id, instance }: Pick<LaunchRequest, 'id' | 'instance'>,
  { owner, role, endsAt }: { owner: string; role: Role; endsAt: number },
): Record<string, string> {
  return {
    [ownerLabel]: owner,
    [dispatchLabel]: id,
    [instanceLabel]: instance,
    [roleLabel]: role,
    [endsAtLabel]: new Date(endsAt).toISOString(),
  }
}

/** Null for a container that is nobody's. */
export function markOf(labels: Readonly<Record<string, string>>): Mark | null {
  const { [ownerLabel]: owner, [dispatchLabel]: dispatch, [endsAtLabel]: endsAt = '' } = labels
  if (owner === undefined || dispatch === undefined) return null
  const time = Date.parse(endsAt)
  const role = labels[roleLabel] === 'engine' ? 'engine' : 'runner'
  return { owner, dispatch, role, endsAt: Number.isNaN(time) ? null : time }
}
