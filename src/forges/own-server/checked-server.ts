import type { Clock } from '../../clock.ts'
import type { Finding } from '../../core/finding.ts'
import type { Scope } from '../../core/scope.ts'
import type { ForgeApi } from '../api.ts'
import type { Capabilities } from '../forge.ts'

/** A Forgejo or Gitea as it is walked through. Each question rejects where the forge refuses to answer it. */
export interface CheckedServer {
  kind: 'forgejo' | 'gitea'
  api: ForgeApi
  /** The web address, without a slash at its end. */
  url: string
  scope: Scope
  clock: Clock
  /** Whether it has such a list. */
  listsJobs: (signal: AbortSignal) => Promise<boolean>
  listsRunners: (signal: AbortSignal) => Promise<boolean>
  /** Null where nobody knows. `runners` is whether they can be listed, or null where that was refused. */
  registration: (runners: boolean | null, signal: AbortSignal) => Promise<Capabilities['registration']>
  /** Events without which the webhook is of little use, and those that it has only where the version knows them. */
  events: { needed: readonly string[]; rest: readonly string[] }
  /** What is told where a list is missing, and where all runners share one token. */
  told: { noJobs: Finding; noRunners: Finding; shared: Finding }
}

/** As people write it. */
export const nameOf = { forgejo: 'Forgejo', gitea: 'Gitea' } as const
