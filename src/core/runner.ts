/** `booting` is a dispatch whose runner has not shown itself; the forge never lists one. */
export type RunnerState = 'booting' | 'idle' | 'busy' | 'offline' | 'gone'

/** A runner as one look listed it. */
export interface SeenRunner {
  /** The forge's id, as text. */
  id: string
  name: string
  /** As the forge lists them: bare names, no scheme. */
  labels: readonly string[]
  state: 'idle' | 'busy' | 'offline'
  /** True where the forge says that it takes one job only; null where it does not say. */
  ephemeral: boolean | null
}

/** A runner as we know it, keyed by (instance, name): names are what deliveries and lists share. */
export interface Runner {
  instance: string
  name: string
  /** The forge's id; null for one that only a job's `runner_name` told us of. */
  id: string | null
  labels: readonly string[]
  state: Exclude<RunnerState, 'booting'>
  /** The dispatch it came from; null for a foreign one. */
  dispatch: string | null
  firstSeenAt: number
  /** When the last look that listed it began; null when no look ever did. */
  listedAt: number | null
  /** Since when it has been idle without a break, by looks; null when it is not. */
  idleSince: number | null
  /** How many complete looks in a row saw it idle. */
  idleLooks: number
  /** It has been busy at least once. */
  worked: boolean
  goneAt: number | null
  version: number
}
