import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Secret } from '../secret.ts'
import type { Config, DispatcherConfig, InstanceConfig } from './config.ts'

/** One difference between two configurations. */
export interface Change {
  what: 'added' | 'removed' | 'changed'
  /** Such as `instances.burrow.targets.linux.max`. */
  path: string
  /** Null where a value is not to be shown: anything but a number, `true` or `false`. Durations are milliseconds. */
  from: number | boolean | null
  to: number | boolean | null
}

/** A configuration taken apart for comparing: by the path of each thing in it that has a name, what stands there by its keys. */
export type Described = ReadonlyMap<string, ReadonlyMap<string, Leaf>>

interface Leaf {
  /** Equal for equal values; never to be shown. */
  compared: string
  shown: number | boolean | null
}

/** As it is now: a secret that is read from a file may be another one later. */
export function describe(config: Config): Described {
  const { admin, instances, dispatchers, dispatcherApi, listen, maxBody, state, owner, dryRun, watch } = config
  const all = new Map<string, Map<string, Leaf>>()
  const put = (path: string, value: object) => all.set(path, new Map(leaves(value)))
  put('', { listen, maxBody, state, owner, dryRun, watch })
  put('admin', { listen: admin.listen })
  for (const { name, ...token } of admin.tokens) put(`admin.tokens.${name}`, token)
  if (dispatcherApi) put('dispatcher_api', { ...dispatcherApi, places: null })
  for (const { name, settings, ...rest } of dispatchers.values()) {
    put(`dispatchers.${name}`, { ...rest, ...writtenOptions(settings) })
  }
  for (const instance of instances) {
    put(`instances.${instance.name}`, writtenInstance(instance))
    for (const { name, offers, ...target } of instance.targets)
      put(`instances.${instance.name}.targets.${name}`, target)
  }
  return all
}

/** What a dispatcher is made from. */
export function writtenOptions({ kind, options }: DispatcherConfig['settings']): object {
  // The other files are read with the configuration; this one is read when its dispatcher is made.
  const file = kind === 'kubernetes' && options.kubeconfig !== null ? { kubeconfig: digest(options.kubeconfig) } : {}
  return { kind, ...options, ...file }
}

function digest(path: string): string {
  try {
    return `${path} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`
  } catch {
    return path
  }
}

function writtenInstance({ name, forge, targets, secrets, ...rest }: InstanceConfig): object {
  return { ...rest, webhookSecret: secrets, [forge.kind]: { ...forge.options } }
}

/** What differs, in the order of the file. Where something is new or gone as a whole, nothing inside it is told. */
export function changesBetween(before: Described, after: Described): Change[] {
  const all = [...new Set([...before.keys(), ...after.keys()])]
  const whole = (path: string, what: Change['what']): Change => ({ what, path, from: null, to: null })
  const isIn = (one: Described, path: string) => all.some((outer) => path.startsWith(`${outer}.`) && !one.has(outer))
  const found = all.flatMap((path) => {
    const [old, now] = [before.get(path), after.get(path)]
    if (old && now) return changedKeys(path, old, now)
    if (isIn(old ? after : before, path)) return []
    return [whole(path, old ? 'removed' : 'added')]
  })
  return [...found, ...reordered(before, after).map((path) => whole(path, 'changed'))]
}

function changedKeys(path: string, old: ReadonlyMap<string, Leaf>, now: ReadonlyMap<string, Leaf>): Change[] {
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key): Change[] => {
    const [from, to] = [old.get(key), now.get(key)]
    if (from?.compared === to?.compared) return []
    return [{ what: 'changed', path: joined(path, key), from: from?.shown ?? null, to: to?.shown ?? null }]
  })
}

/** The lists of targets that stand in another order: the first that fits takes a job. */
function reordered(before: Described, after: Described): string[] {
  const lists = new Set([...after.keys()].flatMap((path) => /^instances\..*\.targets(?=\.)/.exec(path) ?? []))
  return [...lists].filter((list) => {
    const inBoth = (one: Described, other: Described) =>
      [...one.keys()].filter((path) => path.startsWith(`${list}.`) && other.has(path)).join()
    return inBoth(before, after) !== inBoth(after, before)
  })
}

/** One line for people: what a reload did, or would do. */
export function changeSentence({ what, path, from, to }: Change): string {
  return from === null || to === null ? `${path} ${what}` : `${path}: ${from} → ${to}`
}

function* leaves(value: object, above = ''): Generator<[string, Leaf]> {
  for (const [name, inner] of Object.entries(value)) {
    const key = joined(above, asWritten(name))
    if (nested.has(name) && typeof inner === 'object' && inner !== null) yield* leaves(inner, key)
    else yield [key, { compared: compared(inner), shown: shown(inner) }]
  }
}

/** What has keys of its own in the file. The keys of other mappings (`env`, …) are the user's. */
const nested = new Set(['forgejo', 'gitea', 'github', 'scope', 'webhook', 'limits', 'output', 'registry'])

function shown(value: unknown): Leaf['shown'] {
  return typeof value === 'number' || typeof value === 'boolean' ? value : null
}

/** Equal for equal values. A secret stands for its value here, so it is not to be shown either. */
export function compared(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, plain: unknown) {
    const held = this[key]
    if (held instanceof Secret) return held.fingerprint()
    return held instanceof Map ? [...held] : plain
  })
}

function joined(above: string, key: string): string {
  return above === '' ? key : `${above}.${key}`
}

function asWritten(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
