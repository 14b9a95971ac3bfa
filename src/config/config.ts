import type { LabelRules } from '../core/labels.ts'
import type { Scope } from '../core/scope.ts'
import type { Target } from '../core/target.ts'
import type { DispatcherSettings } from '../dispatchers/index.ts'
import type { ForgeSettings } from '../forges/index.ts'
import type { Secret } from '../secret.ts'

export interface Listen {
  /** Empty means every address. */
  host: string
  port: number
}

/** Where the state is kept; the URL holds a password. */
export type StateConfig = { kind: 'sqlite'; path: string } | { kind: 'postgres'; url: Secret }

export type Role = 'read' | 'operate' | 'admin'

/** One kind of place to run, under the name that targets use. Durations are milliseconds. */
export interface DispatcherConfig {
  /** As configured; an inline one is `<instance>` or `<instance>/<target>`, the single one `default`. */
  name: string
  settings: DispatcherSettings
  timeout: number
  /** Calls younger than `timeout` at once. */
  launchConcurrency: number
  /** Live runners over all instances; null for no limit. */
  maxParallel: number | null
  onShutdown: 'close' | 'wait'
}

export interface WebhookConfig {
  url: string
  contentType: 'json'
  events: readonly string[]
  active: boolean
}

export interface InstanceConfig {
  name: string
  forge: ForgeSettings
  scope: Scope
  disablePolling: boolean
  pollInterval: number
  /** 0 ends that beat. */
  reconcileInterval: number
  webhookGrace: number
  /** All are accepted, the first signs new hooks. Empty: the instance takes no webhooks. */
  secrets: readonly Secret[]
  webhook: WebhookConfig | null
  dryRun: boolean
  targets: readonly Target[]
}

/** The dispatcher API as others may call it. */
export interface DispatcherApiConfig {
  token: Secret
  /** Which instance it is without a name in the path. */
  instance: string
  /** Empty: any. */
  allowLabels: readonly string[]
  /** As `scopeKey` writes them. Empty: any inside the instance's own. */
  allowScopes: readonly string[]
  /** Live runners over all instances; null for no limit. */
  maxParallel: number | null
  defaultLabels: readonly string[]
  defaultScope: Scope | null
  /** By instance: the dispatcher of what no target offers, and how its forge compares labels. */
  places: ReadonlyMap<string, { dispatcher: string; labels: LabelRules }>
}

/** The whole configuration, checked; nothing in it needs checking again. */
export interface Config {
  listen: Listen
  /** Bytes. */
  maxBody: number
  admin: { listen: Listen; tokens: readonly { name: string; role: Role; token: Secret }[] }
  state: StateConfig
  owner: string
  dryRun: boolean
  /** Changes of its files are taken up by themselves. */
  watch: boolean
  dispatchers: ReadonlyMap<string, DispatcherConfig>
  instances: readonly InstanceConfig[]
  /** Null where it is not offered. */
  dispatcherApi: DispatcherApiConfig | null
  /** Every secret in it, for the scrubber: also user and password of a URL. */
  secrets: readonly Secret[]
  /** Every file that it was read from, itself first. */
  files: readonly string[]
  /** Plain sentences about what was let pass. */
  warnings: readonly string[]
}
