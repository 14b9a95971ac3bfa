import type { Holder } from '../store.ts'
import { takeUpDispatches } from './dispatches.ts'
import { epochOf } from './instances.ts'
import type { Sql, Work } from './sql.ts'

/** A lease as it is asked for. Milliseconds. */
export interface LeaseWish {
  instance: string
  holder: Holder
  /** How long it is to last, from `now`. */
  ms: number
  /** By a clock that is the same for all who may ask. */
  now: number
}

/** What the answer is where nothing has to be written: null while another's lease lasts, the epoch while ours was renewed just now. */
export function* standingLease(db: Sql, wish: LeaseWish): Work<number | null | undefined> {
  const { instance, holder, now, ms } = wish
  const known = yield* db.get('SELECT holder, until FROM leases WHERE instance = ?', instance)
  if (!known) return undefined
  const until = Number(known.until)
  if (known.holder !== holder.id) return until > now ? null : undefined
  return Math.abs(now + ms - until) < ms / 4 ? yield* epochOf(db, instance) : undefined
}

/**
 * Takes or renews a lease and answers its epoch; null while another's lasts. With a new holder the epoch rises, what the old one still plans
 * is void, and what it left is taken up, as of `at`.
 */
export function* takeLease(db: Sql, wish: LeaseWish, at: number): Work<number | null> {
  const { instance, holder, now, ms } = wish
  const known = yield* db.get('SELECT holder, until FROM leases WHERE instance = ?', instance)
  const isOurs = known?.holder === holder.id
  if (known && !isOurs && Number(known.until) > now) return null
  yield* db.run(
    `INSERT INTO leases (instance, holder, until) VALUES (?, ?, ?)
     ON CONFLICT (instance) DO UPDATE SET holder = excluded.holder, until = excluded.until`,
    ...[instance, holder.id, now + ms],
  )
  if (isOurs) return yield* epochOf(db, instance)
  const raised = yield* db.get(
    `INSERT INTO instances (name, epoch) VALUES (?, 1)
     ON CONFLICT (name) DO UPDATE SET epoch = instances.epoch + 1 RETURNING epoch`,
    instance,
  )
  yield* takeUpDispatches(db, instance, at, holder.host)
  return Number(raised?.epoch)
}

/** Ends the leases of these holders: whoever asks next has the instance, with a new epoch. */
export function* giveUpLeases(db: Sql, holders: Iterable<string>): Work<void> {
  for (const holder of holders) yield* db.run('DELETE FROM leases WHERE holder = ?', holder)
}
