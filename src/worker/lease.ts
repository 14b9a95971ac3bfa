import type { Holder } from '../store/store.ts'
import type { TurnDeps } from './deps.ts'

export interface LeaseSettings {
  /** This process, as it takes leases. */
  holder: Holder
  /** How long a lease lasts. Milliseconds. */
  leaseTime: number
}

type LeaseDeps = Pick<TurnDeps, 'store' | 'instance' | 'clock' | 'log' | 'metrics'>

/** The lease of one instance, as this process has it or waits for it. */
export class Lease {
  readonly #deps: LeaseDeps
  readonly #settings: LeaseSettings
  #standsBy = false
  #isHeld = false

  constructor(deps: LeaseDeps, settings: LeaseSettings) {
    this.#deps = deps
    this.#settings = settings
  }

  /** As of the last time that it was asked for. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** After how long it is to be renewed, so that it outlives two renewals that fail. Milliseconds. */
  get renewal(): number {
    return this.#settings.leaseTime / 4
  }

  /** After how long to ask again while another process has it. Milliseconds. */
  get patience(): number {
    return this.#settings.leaseTime / 5
  }

  /** Takes or renews it; its epoch, or null while another process works this instance. */
  async epoch(): Promise<number | null> {
    const { store, instance, clock, log, metrics } = this.#deps
    const epoch = await store.lease(instance, this.#settings.holder, clock.now(), this.#settings.leaseTime)
    const standsBy = epoch === null
    if (standsBy !== this.#standsBy)
      log.info(standsBy ? 'another process works this instance; this one stands by' : 'this process takes over')
    this.#standsBy = standsBy
    this.#isHeld = !standsBy
    metrics.lease.set({ instance }, standsBy ? 0 : 1)
    return epoch
  }
}
