import { type LabelRules, offered } from '../core/labels.ts'
import { requestTarget } from '../core/request.ts'
import type { Target } from '../core/target.ts'
import { type ForgeSettings, forgeKinds } from '../forges/index.ts'
import type { Config, DispatcherApiConfig, DispatcherConfig, InstanceConfig, Listen } from './config.ts'
import type { WrittenDispatcher } from './dispatcher-schema.ts'
import type { WrittenInstance } from './instance-schema.ts'
import type { Written } from './schema.ts'
import type { WrittenTarget } from './target-schema.ts'

/** Joins what is written together: who runs what, what targets are called and what they offer. */
export function build(written: Written, usual: WrittenDispatcher): Omit<Config, 'secrets' | 'files' | 'warnings'> {
  const dispatchers = nameDispatchers(written, usual)
  const instances = written.instances.map((one) => instance(one, written.dry_run, dispatchers))
  return {
    listen: written.listen,
    maxBody: written.max_body,
    admin: { listen: written.admin.listen ?? adminBeside(written.listen), tokens: written.admin.tokens },
    state: written.state,
    owner: written.owner,
    dryRun: written.dry_run,
    watch: written.watch,
    instances: instances.map(({ config }) => config),
    dispatcherApi: dispatcherApi(written, instances, dispatchers),
    dispatchers: dispatchers.all,
  }
}

/** The usual address, or the port after it where the public listener has that one. */
function adminBeside(listen: Listen): Listen {
  return { host: '127.0.0.1', port: listen.port === 8091 ? 8092 : 8091 }
}

interface Dispatchers {
  all: ReadonlyMap<string, DispatcherConfig>
  /** The name of what is written, which gets `name` if it has none; null where nothing is written. */
  resolve(written: string | WrittenDispatcher | null, name: string): string | null
  /** `dispatcher`, the entry `default`, the only entry, or else the usual one. */
  fallback(): string
}

function nameDispatchers({ dispatcher, dispatchers }: Written, usual: WrittenDispatcher): Dispatchers {
  const all = new Map<string, DispatcherConfig>()
  const add = (wanted: string, one: WrittenDispatcher) => {
    const name = unused(wanted, (taken) => all.has(taken))
    all.set(name, { ...one, name })
    return name
  }
  const resolve: Dispatchers['resolve'] = (one, name) =>
    one === null || typeof one === 'string' ? one || null : add(name, one)
  for (const [name, one] of dispatchers) add(name, one)
  const [only] = dispatchers.keys()
  let fallback = resolve(dispatcher, 'default') ?? (dispatchers.has('default') ? 'default' : (only ?? null))
  return {
    all,
    resolve,
    fallback() {
      fallback ??= add('process', usual)
      return fallback
    },
  }
}

interface BuiltInstance {
  config: InstanceConfig
  /** The name of its own dispatcher; null where it has none. */
  own: string | null
}

function dispatcherApi(
  { dispatcher_api: api }: Written,
  instances: readonly BuiltInstance[],
  dispatchers: Dispatchers,
): DispatcherApiConfig | null {
  if (!api?.enabled || api.token === null) return null
  const places = instances.map(({ config, own }): [string, { dispatcher: string; labels: LabelRules }] => [
    config.name,
    { dispatcher: own ?? dispatchers.fallback(), labels: forgeKinds[config.forge.kind].labels },
  ])
  return {
    token: api.token,
    instance: api.instance ?? instances[0]?.config.name ?? '',
    allowLabels: api.allow_labels,
    allowScopes: api.allow_scopes.map((scope) => scope.toLowerCase()),
    maxParallel: api.max_parallel,
    defaultLabels: api.default_labels,
    defaultScope: api.default_scope,
    places: new Map(places),
  }
}

function instance(written: WrittenInstance, dryRun: boolean, dispatchers: Dispatchers): BuiltInstance {
  const own = dispatchers.resolve(written.dispatcher, written.name)
  const forge = forgeOf(written)
  const names = new Set([requestTarget, ...written.targets.flatMap(({ name }) => name ?? [])])
  const config: InstanceConfig = {
    name: written.name,
    forge,
    scope: written.scope,
    disablePolling: written.disable_polling,
    pollInterval: written.poll_interval,
    reconcileInterval: written.reconcile_interval,
    webhookGrace: written.webhook_grace,
    secrets: written.webhook_secret,
    webhook: written.webhook,
    dryRun: dryRun || written.dry_run,
    targets: written.targets.map((one) => {
      const name = one.name ?? nameByLabels(one, forge, names)
      const dispatcher = dispatchers.resolve(one.dispatcher, `${written.name}/${name}`) ?? own ?? dispatchers.fallback()
      return target(one, name, dispatcher, forge)
    }),
  }
  return { config, own }
}

function forgeOf({ forgejo, gitea, github }: WrittenInstance): ForgeSettings {
  if (forgejo) return { kind: 'forgejo', options: forgejo }
  if (gitea) return { kind: 'gitea', options: gitea }
  if (github) return { kind: 'github', options: github }
  throw new TypeError('an instance without a forge has passed the checks')
}

/** Its bare labels joined by `+`, with a number behind where that is taken. */
function nameByLabels({ labels }: WrittenTarget, { kind }: ForgeSettings, taken: Set<string>): string {
  const bare = offered(labels, { ...forgeKinds[kind].labels, implied: [], foldCase: false })
  const name = unused(bare.join('+'), (name) => taken.has(name))
  taken.add(name)
  return name
}

function target(written: WrittenTarget, name: string, dispatcher: string, { kind }: ForgeSettings): Target {
  return {
    name,
    labels: written.labels,
    offers: offered(written.labels, forgeKinds[kind].labels),
    dispatcher,
    fallback: [...new Set(written.fallback)].filter((other) => other !== dispatcher),
    minIdle: written.min_idle,
    schedule: written.schedule,
    max: written.max,
    ttl: written.ttl,
    bootTimeout: written.boot_timeout,
    idleTimeout: written.idle_timeout,
    priority: written.priority,
    matchUnlabelled: written.match_unlabelled,
    allowRepos: written.allow_repos,
    machineType: written.machine_type,
    image: written.image,
    env: written.env,
  }
}

function unused(wanted: string, isTaken: (name: string) => boolean): string {
  let name = wanted
  for (let number = 2; isTaken(name); number++) name = `${wanted}-${number}`
  return name
}
