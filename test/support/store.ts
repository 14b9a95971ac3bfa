import type { TestAPI } from 'vitest'
import type { Changes, FactsQuery } from '../../src/core/facts.ts'
import type { Job } from '../../src/core/job.ts'
import type { Holder, Limits, Store } from '../../src/store/store.ts'
import { at } from './builders.ts'

/** Tests that are given an empty store. */
export type StoreTest = TestAPI<{ store: Store }>

/** Everything that is open, and nothing asked for besides. */
export function ask(over: Partial<FactsQuery> = {}): FactsQuery {
  return { window: null, ids: [], since: at('00:00:00'), listedSince: at('23:59:59'), ...over }
}

export function changes(over: Partial<Changes> = {}): Changes {
  return { jobs: [], dispatches: [], runners: [], backoffs: [], cleared: [], events: [], ...over }
}

export const noLimits: Limits = { targets: new Map(), dispatchers: new Map(), requested: null }

export function limits(
  targets: Record<string, number>,
  dispatchers: Record<string, number> = {},
  requested: number | null = null,
): Limits {
  return { targets: new Map(Object.entries(targets)), dispatchers: new Map(Object.entries(dispatchers)), requested }
}

/** Takes the lease of an instance and saves as its holder. */
export async function save(store: Store, over: Partial<Changes>, instance = 'main'): Promise<void> {
  await store.save(instance, await epochOf(store, instance), changes(over))
}

/** A process on a machine of its own, or on another's. */
export function aHolder(id: string, host = 'here'): Holder {
  return { id, host }
}

/** The epoch of the one holder that the tests use. */
export async function epochOf(store: Store, instance = 'main'): Promise<number> {
  const epoch = await store.lease(instance, aHolder('this process'), at('12:00:00'), 60_000)
  if (epoch === null) throw new Error(`another holder has the lease of ${instance}`)
  return epoch
}

/** The ids of jobs, in their order. */
export function idsOf(jobs: readonly Pick<Job, 'id'>[]): string[] {
  return jobs.map(({ id }) => id)
}

/** The names of the instances that were rung from now on, in order. */
export function rings(store: Store): string[] {
  const rung: string[] = []
  store.onBell((instance) => rung.push(instance))
  return rung
}
