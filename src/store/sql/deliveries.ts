import { type Event, eventAbout } from '../../core/event.ts'
import { foldDelivery } from '../../core/intake.ts'
import type { Job } from '../../core/job.ts'
import { jobEvent } from '../../core/trail.ts'
import type { DeliveryRecord, DeliverySummary, SecretUse } from '../store.ts'
import { moment } from './cells.ts'
import type { Ring } from './commits.ts'
import { newestRound } from './jobs.ts'
import type { Sql, Work } from './sql.ts'
import { events, jobs } from './tables.ts'

/** Folds a delivery in. One that changes nothing a turn could see (a ping) rings no bell. */
export function* recordDelivery(db: Sql, ring: Ring, delivery: DeliveryRecord): Work<'recorded' | 'duplicate'> {
  if (!(yield* isNew(db, delivery))) return 'duplicate'
  const moment = { instance: delivery.instance, id: delivery.id, at: delivery.receivedAt, via: delivery.via }
  const told: Job[] = []
  const trail: Event[] = []
  for (const delivered of delivery.jobs) {
    const known = yield* newestRound(db, delivery.instance, delivered.told.id)
    const job = foldDelivery(known, delivered, moment)
    if (!job) continue
    yield* jobs.put(db, job)
    told.push(job)
    const moved = jobEvent(known?.round === job.round ? known : null, job, moment.at)
    if (moved) trail.push(moved)
  }
  for (const event of [deliveryEvent(delivery, told), ...trail]) yield* events.append(db, event)
  if (delivery.via === 'http') yield* keepMoments(db, delivery)
  if (delivery.signedBy !== null) yield* countUse(db, delivery.instance, delivery.signedBy, delivery.receivedAt)
  if (delivery.jobs.length > 0 || delivery.nudge || delivery.jobEvent) ring(delivery.instance)
  return 'recorded'
}

/** In the trail of its job, where it told of one alone. */
function deliveryEvent(delivery: DeliveryRecord, told: readonly Job[]): Event {
  const { instance, receivedAt: at, id, event, result, reason, via } = delivery
  const [job = null] = told.length === 1 ? told : []
  const about = { at, instance, job, target: job?.target ?? null }
  return eventAbout('delivery_received', about, { delivery: id, event, result, reason, via })
}

function* isNew(
  db: Sql,
  { instance, id, event, receivedAt, via, result, reason, nudge, jobEvent }: DeliveryRecord,
): Work<boolean> {
  const written = yield* db.run(
    `INSERT INTO deliveries (instance, id, event, received_at, via, result, reason, nudge, job_event)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (instance, id) DO NOTHING`,
    ...[instance, id, event, receivedAt, via, result, reason, nudge ? 1 : 0, jobEvent ? 1 : 0],
  )
  return written === 1
}

/** The last moments stay with the instance, so that they are read in one step and outlive the deliveries. */
function keepMoments(db: Sql, { instance, receivedAt, nudge, jobEvent }: DeliveryRecord): Work<number> {
  const moments = ['delivered_at', 'nudged_at', 'job_event_at']
  return db.run(
    `INSERT INTO instances (name, ${moments}) VALUES (?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET ${moments.map((moment) => `${moment} = ${later(`instances.${moment}`, `excluded.${moment}`)}`)}`,
    ...[instance, receivedAt, nudge ? receivedAt : null, jobEvent ? receivedAt : null],
  )
}

function countUse(db: Sql, instance: string, fingerprint: string, at: number): Work<number> {
  return db.run(
    `INSERT INTO secret_uses (instance, fingerprint, uses, last_at) VALUES (?, ?, 1, ?)
     ON CONFLICT (instance, fingerprint) DO UPDATE SET uses = secret_uses.uses + 1,
       last_at = ${later('secret_uses.last_at', 'excluded.last_at')}`,
    ...[instance, fingerprint, at],
  )
}

/** The later of two moments; one that is null never is. */
function later(one: string, other: string): string {
  return `CASE WHEN ${one} >= ${other} OR ${other} IS NULL THEN ${one} ELSE ${other} END`
}

export function* secretUses(db: Sql, instance: string): Work<SecretUse[]> {
  const rows = yield* db.all(
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
export function* received(db: Sql, instance: string, ids: readonly string[]): Work<ReadonlySet<string>> {
  const rows = yield* db.all(
    'SELECT id FROM deliveries WHERE instance = ? AND id IN (SELECT value FROM json_each(?))',
    ...[instance, JSON.stringify(ids)],
  )
  return new Set(rows.map((row) => String(row.id)))
}

/** What came over HTTP of late. Deliveries read back from a forge are no sign that its webhooks arrive. */
export function* deliverySummary(db: Sql, instance: string): Work<DeliverySummary> {
  const row = yield* db.get('SELECT delivered_at, job_event_at FROM instances WHERE name = ?', instance)
  return { instance, lastAt: moment(row?.delivered_at), lastJobEventAt: moment(row?.job_event_at) }
}
