import { type Finding, problem } from '../core/finding.ts'
import { command } from './command/dispatcher.ts'
import { type CommandOptions, commandFields, commandOptions } from './command/options.ts'
import type { Dispatcher, DispatcherContext, DispatcherKind } from './dispatcher.ts'
import { docker } from './docker/dispatcher.ts'
import { type DockerOptions, dockerFields, dockerOptions } from './docker/options.ts'
import { checkHttp } from './http/check.ts'
import { http } from './http/dispatcher.ts'
import { type HttpOptions, httpFields, httpOptions } from './http/options.ts'
import { kubernetes } from './kubernetes/dispatcher.ts'
import { type KubernetesOptions, kubernetesFields, kubernetesOptions } from './kubernetes/options.ts'
import { nomad } from './nomad/dispatcher.ts'
import { type NomadOptions, nomadFields, nomadOptions } from './nomad/options.ts'
import { checkProcess } from './process/check.ts'
import { process } from './process/dispatcher.ts'
import { type ProcessOptions, processFields, processOptions } from './process/options.ts'

/** Every dispatcher kind that is built: a new one is a folder and its lines in this file. */
export const dispatcherKinds: readonly DispatcherKind[] = [
  'http',
  'process',
  'docker',
  'kubernetes',
  'nomad',
  'command',
]

/** How each kind is written in the configuration, beside what every dispatcher has. */
export const dispatcherOptions = {
  http: { fields: httpFields, read: httpOptions },
  process: { fields: processFields, read: processOptions },
  docker: { fields: dockerFields, read: dockerOptions },
  kubernetes: { fields: kubernetesFields, read: kubernetesOptions },
  nomad: { fields: nomadFields, read: nomadOptions },
  command: { fields: commandFields, read: commandOptions },
} as const

/** A kind with the options that its own schema gave. */
export type DispatcherSettings =
  | { kind: 'http'; options: HttpOptions }
  | { kind: 'process'; options: ProcessOptions }
  | { kind: 'docker'; options: DockerOptions }
  | { kind: 'kubernetes'; options: KubernetesOptions }
  | { kind: 'nomad'; options: NomadOptions }
  | { kind: 'command'; options: CommandOptions }

export function createDispatcher(settings: DispatcherSettings, context: DispatcherContext): Dispatcher {
  switch (settings.kind) {
    case 'http':
      return http.create(settings.options, context)
    case 'process':
      return process.create(settings.options, context)
    case 'docker':
      return docker.create(settings.options, context)
    case 'kubernetes':
      return kubernetes.create(settings.options, context)
    case 'nomad':
      return nomad.create(settings.options, context)
    case 'command':
      return command.create(settings.options, context)
  }
}

/**
 * What is wrong with a dispatcher as it is configured. `forges` are the kinds of forge whose runners it starts. Nothing is started, and
 * nothing of a service that runs beside is touched. Never rejects.
 */
export async function checkDispatcher(
  settings: DispatcherSettings,
  context: DispatcherContext,
  forges: readonly string[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  // Opened, this one would take up the runners of the service.
  if (settings.kind === 'process') return checkProcess(settings.options, forges)
  if (settings.kind === 'http') return checkHttp(settings.options, signal)
  try {
    const dispatcher = createDispatcher(settings, context)
    try {
      return (await dispatcher.check?.(signal)) ?? []
    } finally {
      await dispatcher.close?.()
    }
  } catch (error) {
    return [problem('dispatcher', error instanceof Error ? error.message : String(error), 'mend its options')]
  }
}
