import { type EventDetail, eventAbout } from '../../core/event.ts'
import { type HookRecord, LeaseLost, type Pause } from '../store.ts'
import type { Ring } from './commits.ts'
import type { Cell, Row, Sql, Work } from './sql.ts'
import { events, hooks } from './tables.ts'

/** Of the holder that has the lease now, or had it last. */
export function* epochOf(db: Sql, instance: string): Work<number> {
  return Number((yield* db.get('SELECT epoch FROM instances WHERE name = ?', instance))?.epoch ?? 0)
}

/** Throws `LeaseLost` unless `epoch` is the instance's own now. */
export function* requireEpoch(db: Sql, instance: string, epoch: number): Work<void> {
  const now = yield* epochOf(db, instance)
  if (now !== epoch) {
    throw new LeaseLost(`instance ${instance} is at epoch ${now}: a plan made in epoch ${epoch} is void`)
  }
}

export function* isPaused(db: Sql, instance: string): Work<boolean> {
  return (yield* db.get('SELECT paused FROM instances WHERE name = ?', instance))?.paused === 1
}

/** Who paused it, when and why; null while it is not paused. */
export function* readPause(db: Sql, instance: string): Work<Pause | null> {
  const row = yield* db.get('SELECT * FROM instances WHERE name = ?', instance)
  return row ? pauseOf(row) : null
}

export function pauseOf({ paused, paused_at, paused_by, paused_reason }: Row): Pause | null {
  const text = (cell: Cell | undefined) => (typeof cell === 'string' ? cell : null)
  return Number(paused) === 1 ? { at: Number(paused_at), by: text(paused_by), reason: text(paused_reason) } : null
}

/** Leaves an event and rings; an instance that is paused already stays as it is. */
export function* pause(db: Sql, ring: Ring, instance: string, { at, by, reason }: Pause): Work<void> {
  if (yield* isPaused(db, instance)) return
  yield* db.run(
    `INSERT INTO instances (name, paused, paused_at, paused_by, paused_reason) VALUES (?, 1, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET paused = 1, paused_at = excluded.paused_at,
       paused_by = excluded.paused_by, paused_reason = excluded.paused_reason`,
    ...[instance, at, by, reason],
  )
  yield* events.append(db, eventAbout('paused', { at, instance }, said(by, reason)))
  ring(instance)
}

/** Leaves an event and rings; one that is not paused stays as it is. */
export function* resume(db: Sql, ring: Ring, instance: string, { at, by, reason }: Pause): Work<void> {
  if (!(yield* isPaused(db, instance))) return
  yield* db.run('UPDATE instances SET paused = 0 WHERE name = ?', instance)
  yield* events.append(db, eventAbout('resumed', { at, instance }, said(by, reason)))
  ring(instance)
}

function said(by: string | null, reason: string | null): EventDetail {
  return reason === null ? { by } : { by, reason }
}

export function* readWatermark(db: Sql, instance: string, hook: string): Work<string | null> {
  const row = yield* db.get('SELECT watermark FROM recoveries WHERE instance = ? AND hook = ?', instance, hook)
  return row ? String(row.watermark) : null
}

/** A hook that was made anew begins a count of its own; the old one's is not needed any more. */
export function* writeWatermark(db: Sql, instance: string, hook: string, watermark: string): Work<void> {
  yield* db.run('DELETE FROM recoveries WHERE instance = ? AND hook <> ?', instance, hook)
  yield* db.run(
    `INSERT INTO recoveries (instance, hook, watermark) VALUES (?, ?, ?)
     ON CONFLICT (instance, hook) DO UPDATE SET watermark = excluded.watermark`,
    ...[instance, hook, watermark],
  )
}

export function* findHook(db: Sql, instance: string, url: string): Work<HookRecord | null> {
  const row = yield* db.get('SELECT * FROM hooks WHERE instance = ? AND url = ?', instance, url)
  return row ? hooks.read(row) : null
}
