import type { Store } from '../store.ts'
import { readCircumstances, readWaits } from './circumstances.ts'
import type { Ring } from './commits.ts'
import { deliverySummary, received, recordDelivery, secretUses } from './deliveries.ts'
import { endedDispatches, intendDispatches, settleDispatch } from './dispatches.ts'
import { readFacts } from './facts.ts'
import { findHook, pause, readPause, readWatermark, resume, writeWatermark } from './instances.ts'
import { shownRound } from './jobs.ts'
import { standingLease, takeLease } from './leases.ts'
import { listDispatches, listEvents, listJobs, listRequests, listRunners } from './lists.ts'
import { readHistory, readOverview, writeSamples } from './overview.ts'
import { pruneBatch, pruneStatements } from './prune.ts'
import { cancelRequest, recordRequests } from './requests.ts'
import { retryJob } from './retries.ts'
import { saveChanges } from './save.ts'
import type { Sql, Work } from './sql.ts'
import { events, hooks } from './tables.ts'
import { saveVerdicts } from './verdicts.ts'

/** An open database, and what each does in its own way. */
export interface Database extends Pick<Store, 'onBell' | 'ready' | 'close'> {
  /** Runs `work` in a transaction, perhaps with others, and rings what it rang once that is committed. */
  commit<T>(work: (db: Sql, ring: Ring) => Work<T>): Promise<T>
  /** Runs `work` on one snapshot of what is committed. */
  read<T>(work: (db: Sql) => Work<T>): Promise<T>
  /** The time that leases go by, where the caller says that it is `now`. */
  leaseClock(db: Sql, now: number): Work<number>
}

/** The store on a database that speaks SQL. */
export function sqlStore({ commit, read, leaseClock, ...ownWay }: Database): Store {
  return {
    ...ownWay,
    recordDelivery: (delivery) => commit((db, ring) => recordDelivery(db, ring, delivery)),
    facts: (instance, query) => read((db) => readFacts(db, instance, query)),
    save: (instance, epoch, changes) => commit((db) => saveChanges(db, instance, epoch, changes)),
    saveVerdicts: (instance, epoch, changes) => commit((db) => saveVerdicts(db, instance, epoch, changes)),
    intend: (instance, epoch, wanted, limits) => commit((db) => intendDispatches(db, instance, epoch, wanted, limits)),
    settle: (id, outcome, epoch) => commit((db, ring) => settleDispatch(db, ring, id, outcome, epoch)),
    request: (asked) => commit((db, ring) => recordRequests(db, ring, asked)),
    cancel: (id, at, by) => commit((db, ring) => cancelRequest(db, ring, id, at, by)),
    async lease(instance, holder, at, ms) {
      const standing = await read(function* (db) {
        return yield* standingLease(db, { instance, holder, ms, now: yield* leaseClock(db, at) })
      })
      if (standing !== undefined) return standing
      return commit(function* (db) {
        return yield* takeLease(db, { instance, holder, ms, now: yield* leaseClock(db, at) }, at)
      })
    },

    retry: (asked) => commit((db, ring) => retryJob(db, ring, asked)),
    paused: (instance) => read((db) => readPause(db, instance)),
    pause: (instance, how) => commit((db, ring) => pause(db, ring, instance, how)),
    resume: (instance, how) => commit((db, ring) => resume(db, ring, instance, how)),
    hook: (instance, url) => read((db) => findHook(db, instance, url)),
    async saveHook(hook) {
      await commit((db) => hooks.put(db, hook))
    },
    received: (instance, ids) => read((db) => received(db, instance, ids)),
    watermark: (instance, hook) => read((db) => readWatermark(db, instance, hook)),
    saveWatermark: (instance, hook, watermark) => commit((db) => writeWatermark(db, instance, hook, watermark)),
    secretUses: (instance) => read((db) => secretUses(db, instance)),
    ended: (instance, ids) => read((db) => endedDispatches(db, instance, ids)),
    append: (appended) =>
      commit(function* (db) {
        for (const event of appended) yield* events.append(db, event)
      }),

    jobs: (query) => read((db) => listJobs(db, query)),
    job: (instance, id, round) => read((db) => shownRound(db, instance, id, round)),
    circumstances: (job, dispatchers) => read((db) => readCircumstances(db, job, dispatchers)),
    waits: (instance, target, since) => read((db) => readWaits(db, instance, target, since)),
    dispatches: (query) => read((db) => listDispatches(db, query)),
    requests: (query) => read((db) => listRequests(db, query)),
    runners: (query) => read((db) => listRunners(db, query)),
    events: (query) => read((db) => listEvents(db, query)),
    deliveries: (instance) => read((db) => deliverySummary(db, instance)),
    overview: (now) => read((db) => readOverview(db, now)),
    sample: (samples) => commit((db) => writeSamples(db, samples)),
    history: (query) => read((db) => readHistory(db, query)),

    async prune(before) {
      for (const statement of pruneStatements) {
        while (await commit((db) => pruneBatch(db, statement, before))) {}
      }
    },
  }
}
