import { eventAbout } from '../../core/event.ts'
import { type HookRecord, LeaseLost } from '../store.ts'
import type { Ring } from './commits.ts'
import type { Database } from './database.ts'
import { events, hooks } from './tables.ts'

/**
 * Takes or renews a lease and answers its epoch. Who holds the file holds every instance, so nobody waits for a lease to end:
 * a new holder takes over at once, and what the old one still plans is void.
 */
export function takeLease(db: Database, instance: string, holder: string): number {
  const known = db.get('SELECT epoch FROM instances WHERE name = ? AND holder = ?', instance, holder)
  if (known) return Number(known.epoch)
  const taken = db.get(
    `INSERT INTO instances (name, holder, epoch) VALUES (?, ?, 1)
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = epoch + 1 RETURNING epoch`,
    ...[instance, holder],
  )
  return Number(taken?.epoch)
}

/** Throws `LeaseLost` unless `epoch` is the instance's own now. */
export function requireEpoch(db: Database, instance: string, epoch: number): void {
  const now = Number(db.get('SELECT epoch FROM instances WHERE name = ?', instance)?.epoch ?? 0)
  if (now !== epoch) {
    throw new LeaseLost(`instance ${instance} is at epoch ${now}: a plan made in epoch ${epoch} is void`)
  }
}

export function isPaused(db: Database, instance: string): boolean {
  return db.get('SELECT paused FROM instances WHERE name = ?', instance)?.paused === 1
}

/** Pauses or resumes; a change leaves an event and rings, saying the same again does neither. */
export function setPaused(db: Database, ring: Ring, instance: string, paused: boolean, at: number, by: string): void {
  if (isPaused(db, instance) === paused) return
  db.run(
    'INSERT INTO instances (name, paused) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET paused = excluded.paused',
    ...[instance, paused ? 1 : 0],
  )
  events.append(db, eventAbout(paused ? 'paused' : 'resumed', { at, instance }, { by }))
  ring(instance)
}

export function readWatermark(db: Database, instance: string, hook: string): string | null {
  const row = db.get('SELECT watermark FROM recoveries WHERE instance = ? AND hook = ?', instance, hook)
  return row ? String(row.watermark) : null
}

/** A hook that was made anew begins a count of its own; the old one's is not needed any more. */
export function writeWatermark(db: Database, instance: string, hook: string, watermark: string): void {
  db.run('DELETE FROM recoveries WHERE instance = ? AND hook <> ?', instance, hook)
  db.run(
    `INSERT INTO recoveries (instance, hook, watermark) VALUES (?, ?, ?)
     ON CONFLICT (instance, hook) DO UPDATE SET watermark = excluded.watermark`,
    ...[instance, hook, watermark],
  )
}

export function findHook(db: Database, instance: string, url: string): HookRecord | null {
  const row = db.get('SELECT * FROM hooks WHERE instance = ? AND url = ?', instance, url)
  return row ? hooks.read(row) : null
}
