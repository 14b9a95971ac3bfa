import { eventAbout } from '../../core/event.ts'
import { type HookRecord, LeaseLost } from '../store.ts'
import type { Ring } from './commits.ts'
import type { Sql, Work } from './sql.ts'
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

/** Pauses or resumes; a change leaves an event and rings, saying the same again does neither. */
export function* setPaused(db: Sql, ring: Ring, instance: string, paused: boolean, at: number, by: string): Work<void> {
  if ((yield* isPaused(db, instance)) === paused) return
  yield* db.run(
    'INSERT INTO instances (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused',
    ...[instance, paused ? 1 : 0],
  )
  yield* events.append(db, eventAbout(paused ? 'paused' : 'resumed', { at, instance }, { by }))
  ring(instance)
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
