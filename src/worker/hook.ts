import { eventAbout } from '../core/event.ts'
import { ForgeError } from '../forges/errors.ts'
import type { HookState, HookWish } from '../forges/forge.ts'
import type { Secret } from '../secret.ts'
import type { Bell } from './bell.ts'
import type { TurnDeps } from './deps.ts'

export interface HookSettings {
  url: string
  events: readonly string[]
  contentType: 'json'
  active: boolean
  /** The first of the list: it signs new hooks. */
  secret: Secret
}

/** A hook that stands is looked after so often, and at once when a webhook got lost: somebody may have removed it. */
const beat = 60 * 60_000
/** One that could not be made is tried again after 5, 10, 20 … s, at most this long. */
const firstRetry = 5_000
const longestRetry = 5 * 60_000

export interface HookPorts {
  /** This process works the instance; another one keeps the webhook otherwise. */
  leads(): boolean
  told(state: HookState): void
  /** Rung when the webhook may be gone, and when this process begins to work the instance. */
  doubted: Bell
}

/** Makes sure of the instance's webhook at start, and keeps it: beside the worker, so that a forge that is down delays nothing. */
export async function keepHook(
  deps: Pick<TurnDeps, 'forge' | 'store' | 'instance' | 'clock' | 'log'>,
  settings: HookSettings,
  { leads, told, doubted }: HookPorts,
  signal: AbortSignal,
): Promise<void> {
  signal.addEventListener('abort', () => doubted.ring(), { once: true })
  for (let failures = 0; !signal.aborted; ) {
    try {
      const state = leads() ? await ensure(deps, settings, signal) : null
      if (state) told(state)
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      failures++
      deps.log.warn({ err: error, failures }, 'the webhook could not be made sure of; it is tried again')
      const named = error instanceof ForgeError && error.retryAt !== null ? error.retryAt - deps.clock.now() : 0
      await deps.clock.sleep(Math.max(named, Math.min(longestRetry, firstRetry * 2 ** (failures - 1))), signal)
      continue
    }
    await doubted.wait(deps.clock, beat)
  }
}

async function ensure(
  { forge, store, instance, clock, log }: Pick<TurnDeps, 'forge' | 'store' | 'instance' | 'clock' | 'log'>,
  { url, events, contentType, active, secret }: HookSettings,
  signal: AbortSignal,
): Promise<HookState | null> {
  if (!forge.ensureHook) return null
  const fingerprint = secret.fingerprint()
  const record = await store.hook(instance, url)
  const known = record && { id: record.id, secretFits: record.fingerprint === fingerprint }
  const wish: HookWish = { url, events, contentType, active, secret: secret.reveal(), known }
  const state = await forge.ensureHook(wish, signal)
  await store.saveHook({ instance, url, id: state.id, fingerprint, events: state.events, checkedAt: clock.now() })
  if (state.done === 'kept') return state
  const detail = { hook: state.id, done: state.done }
  await store.append([eventAbout('hook_made', { at: clock.now(), instance }, detail)])
  log.info({ hook: state.id, done: state.done, events: state.events }, 'webhook made sure of')
  for (const note of state.notes) log.warn({ hook: state.id }, note)
  return state
}
