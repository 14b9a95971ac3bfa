import { z } from 'zod'
import { dispatcherOptions } from '../dispatchers/index.ts'
import { chosen, type Fields, isTree, mapping, refusedAt, type Tree, valueAt } from '../fields/mapping.ts'
import { told } from '../fields/refusal.ts'
import { durationOf, name, oneOf, type Reading, wholeNumber } from '../fields.ts'
import type { DispatcherConfig } from './config.ts'

/** A dispatcher as it stands in the file; its name comes from where it stands. */
export type WrittenDispatcher = Omit<DispatcherConfig, 'name'>

const built = ['http', 'process']
const promised: readonly unknown[] = ['docker', 'kubernetes', 'nomad', 'command']

/** A dispatcher written out. `{url}` alone is of the kind `http`. */
export function dispatcher(reading: Reading): z.ZodType<WrittenDispatcher> {
  return chosen((input) => {
    if (!isTree(input)) return mapping({}).pipe(z.never())
    const kind = valueAt(input, 'kind') ?? (isSet(input, 'url') ? 'http' : undefined)
    if (kind === 'http') return http(reading)
    if (kind === 'process') return runningProcesses()
    if (promised.includes(kind))
      return refusedAt('kind', `not supported yet: the dispatcher kind ${kind}; ${built.join(' and ')} are`)
    return refusedAt('kind', told(`a kind (${built.join(', ')}) or a url`)({ input: kind }))
  })
}

/** The name of a dispatcher that stands elsewhere, or one written out; null for one that says nothing. */
export function dispatcherOrName(reading: Reading): z.ZodType<string | WrittenDispatcher | null> {
  return chosen<string | WrittenDispatcher | null>((input) => {
    if (typeof input === 'string') return name
    return isTree(input) && saysNothing(input) ? leftOut(reading) : dispatcher(reading)
  })
}

/** In the ancestor's file an instance's dispatcher without a url is not used. */
export function saysNothing(written: Tree): boolean {
  return !isSet(written, 'url') && Object.keys(written).every((key) => key === 'url' || key === 'timeout')
}

function leftOut(reading: Reading): z.ZodType<null> {
  return z.unknown().transform(() => {
    reading.warnings.push('A dispatcher with neither kind nor url is not used; the default takes its place.')
    return null
  })
}

function isSet(written: Tree, key: string): boolean {
  const value = valueAt(written, key)
  return value !== undefined && value !== ''
}

const usualTimeout = 15_000

/** What every kind has. */
function common() {
  return {
    kind: z.unknown(),
    // 0 is the ancestor's way to say: as usual.
    timeout: durationOf()
      .transform((ms) => ms || usualTimeout)
      .prefault(usualTimeout / 1_000),
    launch_concurrency: wholeNumber(1, 1_000).default(8),
    max_parallel: wholeNumber(1).nullable().default(null),
    on_shutdown: oneOf(['close', 'wait']).default('close'),
  }
}

function commonSettings(fields: Fields<ReturnType<typeof common>>): Omit<WrittenDispatcher, 'settings'> {
  return {
    timeout: fields.timeout,
    launchConcurrency: fields.launch_concurrency,
    maxParallel: fields.max_parallel,
    onShutdown: fields.on_shutdown,
  }
}

function http(reading: Reading): z.ZodType<WrittenDispatcher> {
  return mapping({ ...common(), ...dispatcherOptions.http.fields(reading) }).transform((fields) => ({
    ...commonSettings(fields),
    settings: { kind: 'http', options: dispatcherOptions.http.read(fields) },
  }))
}

function runningProcesses(): z.ZodType<WrittenDispatcher> {
  return mapping({ ...common(), ...dispatcherOptions.process.fields() }).transform((fields) => ({
    ...commonSettings(fields),
    settings: { kind: 'process', options: dispatcherOptions.process.read(fields) },
  }))
}
