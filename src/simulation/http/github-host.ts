import type { Clock } from '../../clock.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** A GitHub App that is installed. */
export interface SimulatedApp {
  id: string
  /** PEM of the key that its JWTs are checked with. */
  publicKey: string
  installations: readonly SimulatedInstallation[]
}

export interface SimulatedInstallation {
  id: number
  /** The organization or user that it is installed on. */
  owner: string
  permissions: Readonly<Record<string, string>>
  suspended?: boolean
}

/** What kind of GitHub it is: what is left out is as on github.com, or on an Enterprise Server. */
export interface GithubTraits {
  /** Requests per hour and credential; null for none, and no headers that tell of it (Enterprise Server). */
  quota?: number | null
  /** Registrations in 5 minutes and credential. */
  registrations?: number | null
  /** Lists of runs and jobs show what was so long ago, milliseconds: webhooks are up to 20 s ahead. */
  lag?: number
  /** A runner that connected and got no job for so long is removed, milliseconds; null: never. Reports say 2 to 6 minutes. */
  idleRemoval?: number | null
  app?: SimulatedApp
  /** `x-oauth-scopes` of the access token; null for a fine-grained one. */
  scopes?: string | null
}

/** The GitHub itself as a test can reach into it. */
export interface GithubHost {
  readonly quota: number | null
  readonly registrations: number | null
  readonly lag: number
  readonly idleRemoval: number | null
  readonly app: SimulatedApp | null
  /** How long deliveries are kept, milliseconds. */
  readonly retention: number
  scopes: string | null
  /** Refused for want of a permission: patterns of `METHOD /path` below the API. */
  denied: RegExp[]
  /** `owner/name` of the repositories that everybody sees. */
  publicRepositories: Set<string>
  /** Whether the default runner group takes jobs of public repositories. */
  groupAllowsPublic: boolean
  approvalPolicy: 'first_time_contributors_new_to_github' | 'first_time_contributors' | 'all_external_contributors'
  /** Every request is refused until then for a secondary limit; `tells` says so in `retry-after`. */
  secondary: { until: number; tells: boolean } | null
  /** Milliseconds by which its clock is ahead of the one that it was given. */
  ahead: number
  /** What was asked and how it was answered, oldest first: `GET /path 200`. */
  readonly answered: string[]
  /** Installation tokens in force, with their ends. */
  readonly tokens: Map<string, { installation: SimulatedInstallation; expiresAt: number }>
  now(): number
}

export function createGithubHost(clock: Pick<Clock, 'now'>, isServer = false, traits: GithubTraits = {}): GithubHost {
  const { quota, registrations, lag = 0, idleRemoval = null, app = null, scopes = null } = traits
  const host: GithubHost = {
    quota: quota === undefined ? (isServer ? null : 5_000) : quota,
    registrations: registrations === undefined ? (isServer ? null : 1_500) : registrations,
    lag,
    idleRemoval,
    app,
    retention: (isServer ? 7 : 3) * day,
    scopes,
    denied: [],
    publicRepositories: new Set(),
    groupAllowsPublic: false,
    approvalPolicy: 'first_time_contributors',
    secondary: null,
    ahead: 0,
    answered: [],
    tokens: new Map(),
    now: () => clock.now() + host.ahead,
  }
  return host
}
