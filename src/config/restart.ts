import { isLoopback } from '../fields/address.ts'
import { compared } from './changes.ts'
import type { Config, DispatcherConfig } from './config.ts'

/** A configuration as far as a running service can take it up. */
export interface Takeable {
  config: Config
  /** The keys that keep their old value until the next start. */
  restartNeeded: readonly string[]
}

/**
 * What a running service keeps: its addresses, its state, the mark of its runners, and the kind of a dispatcher, because rows of its
 * runners rest on what that kind can do.
 */
export function takeable(running: Config, wanted: Config): Takeable {
  const restartNeeded: string[] = []
  const kept = <T>(key: string, old: T, now: T): T => {
    if (compared(old) === compared(now)) return now
    restartNeeded.push(key)
    return old
  }
  const dispatcher = (now: DispatcherConfig): DispatcherConfig => {
    const old = running.dispatchers.get(now.name)
    if (old === undefined || old.settings.kind === now.settings.kind) return now
    restartNeeded.push(`dispatchers.${now.name}.kind`)
    return old
  }
  const listen = kept('listen', running.listen, wanted.listen)
  const admin = { ...wanted.admin, listen: kept('admin.listen', running.admin.listen, wanted.admin.listen) }
  // The new address may need no tokens; the one that is kept does.
  const isOpen = admin.tokens.length === 0 && !isLoopback(admin.listen.host)
  const config: Config = {
    ...wanted,
    listen,
    admin: isOpen ? { ...admin, tokens: kept('admin.tokens', running.admin.tokens, admin.tokens) } : admin,
    state: kept('state', running.state, wanted.state),
    owner: kept('owner', running.owner, wanted.owner),
    dispatchers: new Map([...wanted.dispatchers].map(([name, one]) => [name, dispatcher(one)])),
  }
  return { config, restartNeeded }
}
