import type { Dispatcher, DispatcherContext } from './dispatcher.ts'
import { http } from './http/dispatcher.ts'
import { type HttpOptions, httpFields, httpOptions } from './http/options.ts'
import { process } from './process/dispatcher.ts'
import { type ProcessOptions, processFields, processOptions } from './process/options.ts'

/** Every dispatcher kind that is built: a new one is a folder and its lines in this file. */
export const dispatcherKinds = { http, process } as const

/** How each kind is written in the configuration, beside what every dispatcher has. */
export const dispatcherOptions = {
  http: { fields: httpFields, read: httpOptions },
  process: { fields: processFields, read: processOptions },
} as const

/** A kind with the options that its own schema gave. */
export type DispatcherSettings = { kind: 'http'; options: HttpOptions } | { kind: 'process'; options: ProcessOptions }

export function createDispatcher(settings: DispatcherSettings, context: DispatcherContext): Dispatcher {
  switch (settings.kind) {
    case 'http':
      return http.create(settings.options, context)
    case 'process':
      return process.create(settings.options, context)
  }
}
