import { z } from 'zod'
import type { DispatcherKind } from '../dispatchers/dispatcher.ts'
import { type DispatcherSettings, dispatcherKinds, dispatcherOptions } from '../dispatchers/index.ts'
import { chosen, type Fields, isTree, mapping, refusedAt, type Tree, valueAt } from '../fields/mapping.ts'
import { told } from '../fields/refusal.ts'
import { durationOf, name, oneOf, type Reading, wholeNumber } from '../fields.ts'
import type { DispatcherConfig } from './config.ts'

/** A dispatcher as it stands in the file; its name comes from where it stands. */
export type WrittenDispatcher = Omit<DispatcherConfig, 'name'>

/** A dispatcher written out. `{url}` alone is of the kind `http`. */
export function dispatcher(reading: Reading): z.ZodType<WrittenDispatcher> {
  return chosen((input) => {
    if (!isTree(input)) return mapping({}).pipe(z.never())
    const kind = valueAt(input, 'kind') ?? (isSet(input, 'url') ? 'http' : undefined)
    const known = dispatcherKinds.find((one) => one === kind)
    if (known) return ofKind(known, reading)
    return refusedAt('kind', told(`a kind (${dispatcherKinds.join(', ')}) or a url`)({ input: kind }))
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

function written(fields: Fields<ReturnType<typeof common>>, settings: DispatcherSettings): WrittenDispatcher {
  return {
    settings,
    timeout: fields.timeout,
    launchConcurrency: fields.launch_concurrency,
    maxParallel: fields.max_parallel,
    onShutdown: fields.on_shutdown,
  }
}

/** Each kind has keys of its own beside the common ones. */
function ofKind(kind: DispatcherKind, reading: Reading): z.ZodType<WrittenDispatcher> {
  const { http, process, docker, kubernetes, nomad, command } = dispatcherOptions
  switch (kind) {
    case 'http':
      return mapping({ ...common(), ...http.fields(reading) }).transform((fields) =>
        written(fields, { kind, options: http.read(fields) }),
      )
    case 'process':
      return mapping({ ...common(), ...process.fields() }).transform((fields) =>
        written(fields, { kind, options: process.read(fields) }),
      )
    case 'docker':
      return mapping({ ...common(), ...docker.fields(reading) }).transform((fields) =>
        written(fields, { kind, options: docker.read(fields) }),
      )
    case 'kubernetes':
      return mapping({ ...common(), ...kubernetes.fields(reading) }).transform((fields) =>
        written(fields, { kind, options: kubernetes.read(fields) }),
      )
    case 'nomad':
      return mapping({ ...common(), ...nomad.fields(reading) }).transform((fields) =>
        written(fields, { kind, options: nomad.read(fields) }),
      )
    case 'command':
      return mapping({ ...common(), ...command.fields() }).transform((fields) =>
        written(fields, { kind, options: command.read(fields) }),
      )
  }
}
