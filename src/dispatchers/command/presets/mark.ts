import { DispatchRefused } from '../../errors.ts'
import type { Listed, Order } from '../tool.ts'

/** A name that says all that must be found again: `<owner>-<dispatch id>-<seconds since 1970 at which it ends, base 36>`. */
export function markOf({
  owner,
  request,
  endsAt,
}: Pick<Order, 'owner' | 'endsAt'> & { request: { id: string } }): string {
  if (!/^[A-Za-z0-9_]+$/.test(request.id))
    throw new DispatchRefused('a dispatch id for this preset has only letters, digits and _')
  return `${owner}-${request.id}-${Math.ceil(endsAt / 1_000).toString(36)}`
}

/** Reads a name; null for one that is not of this owner. */
export function readMark(name: string, owner: string): Pick<Listed, 'id' | 'endsAt'> | null {
  const [, whose, id, ends] = /^(.+)-([A-Za-z0-9_]+)-([0-9a-z]+)$/.exec(name) ?? []
  if (whose !== owner || id === undefined || ends === undefined) return null
  return { id, endsAt: Number.parseInt(ends, 36) * 1_000 }
}
