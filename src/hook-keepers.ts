import { compared } from './config/changes.ts'
import type { InstanceConfig } from './config/config.ts'
import type { Forge, HookState } from './forges/forge.ts'
import type { Parts } from './parts.ts'
import { keepHook } from './worker/hook.ts'
import type { Worker } from './worker/worker.ts'

interface Keeper {
  /** What it works by; a secret stands in it for its value. */
  key: string
  forge: Forge
  ending: AbortController
  ended: Promise<void>
}

/** The webhooks of all instances, each kept by a loop of its own beside the worker. */
export class HookKeepers {
  readonly #parts: Pick<Parts, 'store' | 'clock' | 'log'>
  readonly #keepers = new Map<string, Keeper>()

  constructor(parts: Pick<Parts, 'store' | 'clock' | 'log'>) {
    this.#parts = parts
  }

  /** Keeps the webhook of an instance as it is configured now; one that is kept so already goes on. */
  keep(instance: InstanceConfig, forge: Forge, worker: Worker): void {
    const { name, webhook, secrets, dryRun } = instance
    const [secret] = secrets
    if (!webhook || !secret || dryRun) {
      this.letBe(name)
      return
    }
    const key = compared([webhook, secret])
    const before = this.#keepers.get(name)
    if (before?.key === key && before.forge === forge && !before.ending.signal.aborted) return
    this.letBe(name)
    const ending = new AbortController()
    const { store, clock, log } = this.#parts
    const deps = { forge, store, clock, instance: name, log: log.child({ instance: name }) }
    const told = (state: HookState) => {
      worker.hook = state
      // What happened while it was gone or switched off was never delivered, and cannot be read back either.
      if (state.done !== 'kept' && worker.mode !== 'polling') worker.lookNow()
    }
    const ports = { leads: () => worker.leads, told, doubted: worker.hookDoubted }
    // Two at once would make two webhooks.
    const ended = (before?.ended ?? Promise.resolve()).then(() =>
      keepHook(deps, { ...webhook, secret }, ports, ending.signal),
    )
    this.#keepers.set(name, { key, forge, ending, ended })
  }

  /** Looks after it no more; it stays at the forge. */
  letBe(name: string): void {
    this.#keepers.get(name)?.ending.abort()
  }

  async stop(): Promise<void> {
    for (const { ending } of this.#keepers.values()) ending.abort()
    await Promise.all([...this.#keepers.values()].map(({ ended }) => ended))
  }
}
