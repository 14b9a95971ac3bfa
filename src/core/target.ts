/** When `min_idle` is another number: in each minute that the cron pattern matches; the last match wins. */
export interface ScheduleEntry {
  cron: string
  /** IANA name; the host's own zone when absent. */
  timezone: string | null
  minIdle: number
}

/** Labels offered on a dispatcher, with their limits. Durations are milliseconds. */
export interface Target {
  name: string
  /** As written in the configuration, schemes included: what a dispatcher is given. */
  labels: readonly string[]
  /** What jobs are compared with: schemes cut, case folded and implied labels added as the forge's rules say. */
  offers: readonly string[]
  dispatcher: string
  /** Dispatchers that are asked in its place, in this order, while it refuses, is down or has no room. */
  fallback: readonly string[]
  minIdle: number
  schedule: readonly ScheduleEntry[]
  max: number
  ttl: number
  bootTimeout: number
  idleTimeout: number
  priority: number
  matchUnlabelled: boolean
  /** Globs of `owner/name`; empty lets every repository in. */
  allowRepos: readonly string[]
  machineType: string | null
  image: string | null
  env: Readonly<Record<string, string>>
}
