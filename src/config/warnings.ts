import { isWithin } from '../core/scope.ts'
import type { DispatcherSettings } from '../dispatchers/index.ts'
import { isLoopback } from '../fields/address.ts'
import { forgeKinds } from '../forges/index.ts'
import type { Config, InstanceConfig } from './config.ts'

type Sentences = Iterable<string>

/** What is let pass and should be known: plain sentences that name the place and no secret. */
export function* warningsOf(config: Omit<Config, 'warnings'>): Sentences {
  for (const instance of config.instances) {
    yield* aboutForge(instance)
    yield* aboutWebhook(instance)
    yield* aboutTargets(instance)
  }
  yield* aboutPairs(config.instances)
  yield* aboutDispatchers(config)
  yield* aboutDispatcherApi(config)
}

/** Shorter keys can be guessed; 24 bytes is what the Standard Webhooks specification asks for. */
const shortest = 24
const placeholder = /^(pending|change|replace|todo|your|example|secret|password)/i

function* aboutForge({ name, forge, pollInterval, disablePolling }: InstanceConfig): Sentences {
  const { baseUrl, token } = forge.options
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
    yield `${name}: this name must be encoded in its webhook's path; letters, digits, - and _ need no care.`
  if (isPlain(baseUrl))
    yield `${name}: ${baseUrl.origin} is plain http to another host; the token can be read on the way.`
  if (isLinkLocal(baseUrl)) yield `${name}: ${baseUrl.origin} is where clouds keep the credentials of a machine.`
  if (placeholder.test(token.reveal())) yield `${name}: its token looks like a placeholder.`
  if (pollInterval < 5_000 && !disablePolling)
    yield `${name}: poll_interval is below 5s; the forge may limit that many requests.`
}

function* aboutWebhook({ name, secrets, webhook, disablePolling, reconcileInterval }: InstanceConfig): Sentences {
  for (const secret of secrets) {
    const value = secret.reveal()
    if (Buffer.byteLength(value) < shortest)
      yield `${name}: webhook_secret (${secret.source}) is shorter than ${shortest} characters; make one with: openssl rand -hex 32`
    if (/\$\$(?!\{)/.test(value)) yield `${name}: webhook_secret has $$ in it, which is taken as it stands.`
  }
  if (disablePolling && reconcileInterval === 0)
    yield `${name}: without polling and without reconcile_interval nobody looks for a job whose webhook gets lost.`
  if (!webhook) return
  const url = new URL(webhook.url)
  if (isPlain(url))
    yield `${name}: webhook.url is plain http to another host; what the forge sends can be read on the way.`
  const { pathname } = url
  const own = `/webhook/${encodeURIComponent(name)}`
  if (!pathname.endsWith(own))
    yield `${name}: webhook.url does not end in ${own}; whatever stands before the listener must lead it there.`
}

function* aboutTargets({ name, targets }: InstanceConfig): Sentences {
  for (const [index, target] of targets.entries()) {
    const place = `${name}/${target.name}`
    if (target.ttl < target.bootTimeout)
      yield `${place}: ttl is below boot_timeout; a runner may end before it has shown itself.`
    else if (target.ttl < target.idleTimeout)
      yield `${place}: ttl is below idle_timeout; an idle runner ends by its ttl.`
    for (const [key, value] of Object.entries(target.env)) {
      if (/\$\{\w+\}/.test(value)) yield `${place}: env.${key} holds \${…}, which is not expanded there.`
    }
    const before = targets.find(
      (other, at) =>
        (other.priority > target.priority || (other.priority === target.priority && at < index)) &&
        other.allowRepos.length === 0 &&
        target.offers.every((label) => other.offers.includes(label)),
    )
    if (before)
      yield `${place}: never takes a job, because ${name}/${before.name} offers all its labels and comes first.`
  }
}

function* aboutPairs(instances: readonly InstanceConfig[]): Sentences {
  const byKey = new Map<string, InstanceConfig>()
  for (const instance of instances) {
    for (const secret of instance.secrets) {
      const other = byKey.get(secret.reveal())
      if (other && other !== instance)
        yield `${instance.name}: its webhook_secret is also that of ${other.name}; a delivery for the one passes for the other.`
      else byKey.set(secret.reveal(), instance)
    }
  }
  for (const [index, instance] of instances.entries()) {
    const other = instances.slice(0, index).find((one) => meet(one, instance))
    if (other)
      yield `${instance.name}: its scope and labels overlap with those of ${other.name}; a job may get a runner from both.`
  }
}

/** A job of the one may be a job of the other: on the same forge, in a scope that holds the other's, with a label that both offer. */
function meet(one: InstanceConfig, other: InstanceConfig): boolean {
  if (one.forge.kind !== other.forge.kind || one.forge.options.baseUrl.href !== other.forge.options.baseUrl.href)
    return false
  if (!isWithin(one.scope, other.scope) && !isWithin(other.scope, one.scope)) return false
  const implied = forgeKinds[one.forge.kind].labels.implied
  const offered = new Set(one.targets.flatMap(({ offers }) => offers).filter((label) => !implied.includes(label)))
  return other.targets.some(({ offers }) => offers.some((label) => offered.has(label)))
}

function* aboutDispatchers({ dispatchers, instances, admin, dispatcherApi }: Omit<Config, 'warnings'>): Sentences {
  const used = new Set(
    instances.flatMap(({ targets }) => targets.flatMap(({ dispatcher, fallback }) => [dispatcher, ...fallback])),
  )
  for (const { dispatcher } of dispatcherApi?.places.values() ?? []) used.add(dispatcher)
  for (const { name, settings, timeout } of dispatchers.values()) {
    if (!used.has(name)) yield `dispatcher ${name}: no target uses it.`
    const shorter = instances
      .flatMap(({ targets }) => targets)
      .find((one) => one.dispatcher === name && one.ttl < timeout)
    if (shorter) yield `dispatcher ${name}: its timeout is above the ttl of the target ${shorter.name}.`
    yield* aboutPlace(name, settings)
    if (settings.kind !== 'http') continue
    const { url, token } = settings.options
    if (token && (url.username || url.password))
      yield `dispatcher ${name}: user and password of its url are not used beside a token.`
    if (isPlain(url) && (token || url.password))
      yield `dispatcher ${name}: ${url.origin} is plain http to another host; its token can be read on the way.`
  }
  for (const { name, token } of admin.tokens) {
    if (token.reveal().length < shortest)
      yield `admin.tokens ${name}: shorter than ${shortest} characters; make one with: openssl rand -hex 32`
  }
}

/** What a job on such a runner can reach besides its own container. */
function* aboutPlace(name: string, settings: DispatcherSettings): Sentences {
  if (settings.kind === 'http' && isLinkLocal(settings.options.url))
    yield `dispatcher ${name}: ${settings.options.url.origin} is where clouds keep the credentials of a machine.`
  if (settings.kind !== 'docker') return
  const { privileged, volumes } = settings.options
  if (privileged) yield `dispatcher ${name}: privileged gives every job the rights of root on the engine's machine.`
  if (volumes.some((volume) => /^[^:]*(?:docker|podman)\.sock:/.test(volume)))
    yield `dispatcher ${name}: the engine's socket gives every job the rights of root on the engine's machine, also as ro.`
}

function* aboutDispatcherApi({ dispatcherApi: api, instances, admin }: Omit<Config, 'warnings'>): Sentences {
  if (!api) return
  const value = api.token.reveal()
  if (value.length < shortest)
    yield `dispatcher_api: its token is shorter than ${shortest} characters; make one with: openssl rand -hex 32`
  const same = admin.tokens.find(({ token }) => token.reveal() === value)
  if (same)
    yield `dispatcher_api: its token is also that of admin.tokens ${same.name}; who may ask for runners has that role.`
  const own = instances.find(({ name }) => name === api.instance)
  if (own && api.defaultScope && !isWithin(api.defaultScope, own.scope))
    yield `dispatcher_api: default_scope does not lie in the scope of ${own.name}, whose own is used.`
}

function isPlain(url: URL): boolean {
  return url.protocol === 'http:' && !isLoopback(url.hostname)
}

/** 169.254.0.0/16 and fe80::/10, where no forge and no dispatcher is. */
function isLinkLocal({ hostname }: URL): boolean {
  return /^169\.254\.\d|^\[fe[89ab][0-9a-f]:/i.test(hostname)
}
