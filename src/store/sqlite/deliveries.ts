import { foldDelivery } from '../../core/intake.ts'
import { jobEvent } from '../../core/trail.ts'
import type { DeliveryRecord, DeliverySummary, SecretUse } from '../store.ts'
import { moment } from './cells.ts'
import type { Ring } from './commits.ts'
import type { Database } from './database.ts'
import { newestRound } from './jobs.ts'
import { events, jobs } from './tables.ts'

/** Folds a delivery in. One that changes nothing a turn could see (a ping) rings no bell. */
export function recordDelivery(db: Database, ring: Ring, delivery: DeliveryRecord): 'recorded' | 'duplicate' {
  if (!isNew(db, delivery)) return 'duplicate'
  const moment = { instance: delivery.instance, id: delivery.id, at: delivery.receivedAt, via: delivery.via }
  for (const delivered of delivery.jobs) {
    const known = newestRound(db, delivery.instance, delivered.told.id)
    const job = foldDelivery(known, delivered, moment)
    if (!job) continue
    jobs.put(db, job)
    const moved = jobEvent(known?.round === job.round ? known : null, job, moment.at)
    if (moved) events.append(db, moved)
  }
  if (delivery.via === 'http') keepMoments(db, delivery)
  if (delivery.signedBy !== null) countUse(db, delivery.instance, delivery.signedBy, delivery.receivedAt)
  if (delivery.jobs.length > 0 || delivery.nudge || delivery.jobEvent) ring(delivery.instance)
  return 'recorded'
}

function isNew(
  db: Database,
  { instance, id, event, receivedAt, via, result, reason, nudge, jobEvent }: DeliveryRecord,
) {
  const written = db.run(
    `INSERT INTO deliveries (instance, id, event, received_at, via, result, reason, nudge, job_event)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (instance, id) DO NOTHING`,
    ...[instance, id, event, receivedAt, via, result, reason, nudge ? 1 : 0, jobEvent ? 1 : 0],
  )
  return written === 1
}

/** The last moments stay with the instance, so that they are read in one step and outlive the deliveries. */
function keepMoments(db: Database, { instance, receivedAt, nudge, jobEvent }: DeliveryRecord): void {
  db.run(
    `INSERT INTO instances (name, delivered_at, nudged_at, job_event_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET
       delivered_at = max(coalesce(delivered_at, 0), excluded.delivered_at),
       nudged_at = coalesce(max(nudged_at, excluded.nudged_at), nudged_at, excluded.nudged_at),
       job_event_at = coalesce(max(job_event_at, excluded.job_event_at), job_event_at, excluded.job_event_at)`,
    ...[instance, receivedAt, nudge ? receivedAt : null, jobEvent ? receivedAt : null],
  )
}

function countUse(db: Database, instance: string, fingerprint: string, at: number): void {
  db.run(
    `INSERT INTO secret_uses (instance, fingerprint, uses, last_at) VALUES (?, ?, 1, ?)
     ON CONFLICT (instance, fingerprint) DO UPDATE SET uses = uses + 1, last_at = max(last_at, excluded.last_at)`,
    ...[instance, fingerprint, at],
  )
}

export function secretUses(db: Database, instance: string): SecretUse[] {
  const rows = db.all(
    'SELECT fingerprint, uses, last_at FROM secret_uses WHERE instance = ? ORDER BY last_at DESC',
    instance,
  )
  return rows.map((row) => ({
    fingerprint: String(row.fingerprint),
    uses: Number(row.uses),
    lastAt: Number(row.last_at),
  }))
}

/** Which of these ids were recorded. */
export function received(db: Database, instance: string, ids: readonly string[]): ReadonlySet<string> {
  const rows = db.all(
    'SELECT id FROM deliveries WHERE instance = ? AND id IN (SELECT value FROM json_each(?))',
    ...[instance, JSON.stringify(ids)],
  )
  return new Set(rows.map((row) => String(row.id)))
}

/** What came over HTTP of late. Deliveries read back from a forge are no sign that its webhooks arrive. */
export function deliverySummary(db: Database, instance: string): DeliverySummary {
  const row = db.get('SELECT delivered_at, job_event_at FROM instances WHERE name = ?', instance)
  return { instance, lastAt: moment(row?.delivered_at), lastJobEventAt: moment(row?.job_event_at) }
}
