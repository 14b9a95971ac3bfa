import type { Credential } from '../../core/credential.ts'
import type { Finding } from '../../core/finding.ts'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import type { Programs } from './programs.ts'

/** One runner to be started. */
export interface Order {
  request: LaunchRequest
  credential: Credential
  owner: string
  /** Epoch milliseconds. */
  endsAt: number
  /** The script that becomes the runner; it is a credential, and belongs on a standard input. */
  start: string
}

/** A runner as a tool lists it. */
export interface Listed {
  /** The dispatch id. */
  id: string
  /** Epoch milliseconds; null where the tool does not know. */
  endsAt: number | null
  /** False for one that has ended and whose remains wait to be cleared away by `stop`. */
  alive: boolean
}

export interface Listing {
  complete: boolean
  runners: readonly Listed[]
}

export interface ToolTraits {
  /** Asked again for the same dispatch it starts nothing twice. */
  idempotent: boolean
  lists: boolean
  stops: boolean
  /** What it runs lives on this host alone. */
  local: boolean
}

/** Something that starts runners by running programs. A rejection that is no `DispatchRefused` leaves open whether one was started. */
export interface Tool {
  readonly traits: ToolTraits
  launch(order: Order, programs: Programs): Promise<void>
  list(owner: string, programs: Programs): Promise<Listing>
  /** Ends a runner and clears its remains away. Content when nothing is left. */
  stop(runner: { id: string; name: string; owner: string }, programs: Programs): Promise<void>
  check?(owner: string, programs: Programs): Promise<readonly Finding[]>
}

/** What is done before anything is started: when it fails, nothing was. */
export async function beforehand<T>(doing: Promise<T>): Promise<T> {
  try {
    return await doing
  } catch (error) {
    throw new DispatchRefused(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
