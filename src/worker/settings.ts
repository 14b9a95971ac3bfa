import type { CadenceSettings } from '../core/cadence.ts'
import type { TurnDeps } from './deps.ts'
import type { LeaseSettings } from './lease.ts'

export interface WorkerSettings extends CadenceSettings, LeaseSettings {
  /** Called when nothing of an instance is left that is configured no more. */
  drained?: () => void
}

/** What another configuration means for the work of an instance. */
export interface Reconfiguration {
  deps: TurnDeps
  settings: WorkerSettings
  /** Something of the instance itself is another one: targets are found again, and the forge is looked at. */
  changed: boolean
  /** It is another forge or scope, or webhooks come another way: what was learned of it is void. */
  anew: boolean
}
