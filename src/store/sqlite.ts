import { setImmediate } from 'node:timers'
import { createCommits } from './sqlite/commits.ts'
import { unavailable } from './sqlite/database.ts'
import { deliverySummary, received, recordDelivery, secretUses } from './sqlite/deliveries.ts'
import { endedDispatches, intendDispatches, recoverDispatches, settleDispatch } from './sqlite/dispatches.ts'
import { readFacts } from './sqlite/facts.ts'
import { openFile } from './sqlite/file.ts'
import { findHook, isPaused, readWatermark, setPaused, takeLease, writeWatermark } from './sqlite/instances.ts'
import { newestRound, oneRound } from './sqlite/jobs.ts'
import { listDispatches, listEvents, listJobs, listRequests, listRunners } from './sqlite/lists.ts'
import { migrations } from './sqlite/migrations.ts'
import { pruneBatch, pruneStatements } from './sqlite/prune.ts'
import { cancelRequest, recordRequests } from './sqlite/requests.ts'
import { saveChanges } from './sqlite/save.ts'
import { events, hooks } from './sqlite/tables.ts'
import type { Store } from './store.ts'

export interface SqliteOptions {
  /** The file, made with mode 0600 where it is missing; `:memory:` keeps nothing. */
  path: string
  /** The file grows no further, as on a full disk; without it the disk is the limit. */
  maxBytes?: number
}

/**
 * The store on SQLite, embedded and synchronous: one process, one file. Reads see what is committed; writes are queued in the order of
 * their calls and committed together. Rejects with `StoreUnusable` when the file cannot serve as the state.
 */
export async function openSqliteStore({ path, maxBytes }: SqliteOptions): Promise<Store> {
  const db = openFile(path, maxBytes ?? null)
  // In memory there is no fsync to share, and a simulated world needs no turn of the real event loop.
  const { commit, onBell, drain } = createCommits(db, path === ':memory:' ? queueMicrotask : setImmediate)

  async function read<T>(work: () => T): Promise<T> {
    try {
      return work()
    } catch (error) {
      throw unavailable(error)
    }
  }

  return {
    recordDelivery: (delivery) => commit((ring) => recordDelivery(db, ring, delivery)),
    facts: (instance, query) => read(() => readFacts(db, instance, query)),
    save: (instance, epoch, changes) => commit(() => saveChanges(db, instance, epoch, changes)),
    intend: (instance, epoch, wanted, limits) => commit(() => intendDispatches(db, instance, epoch, wanted, limits)),
    settle: (id, outcome) => commit((ring) => settleDispatch(db, ring, id, outcome)),
    request: (asked) => commit((ring) => recordRequests(db, ring, asked)),
    cancel: (id, at, by) => commit((ring) => cancelRequest(db, ring, id, at, by)),
    recover: (at, host) => commit(() => recoverDispatches(db, at, host)),
    lease: (instance, holder) => commit(() => takeLease(db, instance, holder)),
    onBell,

    paused: (instance) => read(() => isPaused(db, instance)),
    pause: (instance, paused, at, by) => commit((ring) => setPaused(db, ring, instance, paused, at, by)),
    hook: (instance, url) => read(() => findHook(db, instance, url)),
    saveHook: (hook) => commit(() => hooks.put(db, hook)),
    received: (instance, ids) => read(() => received(db, instance, ids)),
    watermark: (instance, hook) => read(() => readWatermark(db, instance, hook)),
    saveWatermark: (instance, hook, watermark) => commit(() => writeWatermark(db, instance, hook, watermark)),
    secretUses: (instance) => read(() => secretUses(db, instance)),
    ended: (instance, ids) => read(() => endedDispatches(db, instance, ids)),
    append: (appended) =>
      commit(() => {
        for (const event of appended) events.append(db, event)
      }),

    jobs: (query) => read(() => listJobs(db, query)),
    job: (instance, id, round) =>
      read(() => (round === undefined ? newestRound(db, instance, id) : oneRound(db, instance, id, round))),
    dispatches: (query) => read(() => listDispatches(db, query)),
    requests: (query) => read(() => listRequests(db, query)),
    runners: (query) => read(() => listRunners(db, query)),
    events: (query) => read(() => listEvents(db, query)),
    deliveries: (instance) => read(() => deliverySummary(db, instance)),

    async prune(before) {
      for (const statement of pruneStatements) {
        while (await commit(() => pruneBatch(db, statement, before))) {}
      }
    },
    // A write that changes nothing, committed like any other.
    ready: () => commit(() => db.exec(`PRAGMA user_version = ${migrations.length}`)),
    async close() {
      drain()
      db.close()
    },
  }
}
