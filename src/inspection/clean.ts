import { existsSync } from 'node:fs'
import { systemClock } from '../clock.ts'
import type { Config, InstanceConfig } from '../config/config.ts'
import { type Leftover, offlineOurs } from '../core/leftover.ts'
import type { Forge } from '../forges/forge.ts'
import { isId } from '../ids.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { openForge, openState } from '../parts.ts'
import { Scrubber } from '../secret.ts'
import { StoreUnusable } from '../store/store.ts'
import { running } from './running.ts'

/** What was found, and done, about the registrations of one instance. */
export interface Cleaned {
  instance: string
  /** Offline, with a name that we give, and of no dispatch that lives. */
  offline: readonly (Leftover & { removed: boolean; error: string | null })[]
  /** Why its runners could not be listed; null when they could. */
  error: string | null
}

/** How long one forge may take. Milliseconds. */
const bound = 120_000

/** Finds our offline registrations, and removes them when `remove` is set: `muster clean`. Those whose runner is still to come are let be. */
export async function clean(config: Config, remove: boolean): Promise<Cleaned[]> {
  const found = await Promise.all(config.instances.map((instance) => offlineAt(config, instance)))
  // A dispatch is recorded before its runner is registered: what is read after the lists knows whatever they show.
  const live = await liveDispatches(config)
  return Promise.all(found.map((one) => cleanOne(one, live, remove)))
}

interface Found {
  instance: string
  forge: Forge
  /** Offline registrations by the dispatch that their name tells, or why nobody knows. */
  offline: ReadonlyMap<string, Leftover> | Error
}

async function offlineAt(config: Config, instance: InstanceConfig): Promise<Found> {
  const log = createLog({ scrubber: new Scrubber(config.secrets), level: 'silent' })
  const forge = openForge(instance, { clock: systemClock, metrics: createMetrics(), log })
  const signal = AbortSignal.timeout(bound)
  try {
    await forge.probe(signal)
    const list = await forge.runners(signal)
    const offline = list === null ? new Error(unlisted) : offlineOurs(list, config.owner)
    return { instance: instance.name, forge, offline }
  } catch (error) {
    return { instance: instance.name, forge, offline: error as Error }
  }
}

/** The service is asked where it runs; where it does not, its state can be read. */
async function liveDispatches(config: Config): Promise<ReadonlySet<string>> {
  const service = await running(config)
  if (service) return service.live
  // An empty one would say that nothing lives, and runners that are to come would lose their registration.
  const { state } = config
  if (state.kind === 'sqlite' && !existsSync(state.path))
    throw new StoreUnusable(`${state.path} is not there: ${where}`)
  const store = await openState(config)
  try {
    const live = new Set<string>()
    let cursor: string | undefined
    do {
      const page = await store.dispatches({ live: true, limit: 500, cursor })
      for (const { id } of page.items) live.add(id)
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return live
  } finally {
    await store.close()
  }
}

async function cleanOne(
  { instance, forge, offline }: Found,
  live: ReadonlySet<string>,
  remove: boolean,
): Promise<Cleaned> {
  if (offline instanceof Error) return { instance, offline: [], error: offline.message }
  const signal = AbortSignal.timeout(bound)
  const told: Cleaned['offline'][number][] = []
  for (const [dispatch, one] of offline) {
    // A runner made by hand, or by another Muster whose owner begins like ours, is not ours.
    if (live.has(dispatch) || !isId(dispatch)) continue
    told.push({ ...one, ...(remove ? await removed(one) : left) })
  }
  return { instance, offline: told, error: null }

  async function removed(one: Leftover): Promise<{ removed: boolean; error: string | null }> {
    try {
      const answer = await forge.unregister(one, signal)
      return { removed: answer === 'removed', error: answer === 'busy' ? 'the forge says that it works' : null }
    } catch (error) {
      return { removed: false, error: (error as Error).message }
    }
  }
}

const where =
  'clean up on the machine that the service runs on, with its configuration and in its folder; where there was none, let `muster serve` run first'

const left = { removed: false, error: null }

const unlisted =
  'this forge lists no runners (Forgejo up to 14): only its own clean-up removes them, [cron.cleanup_offline_runners] in its app.ini'
