import type { ParseArgsOptionsConfig } from 'node:util'

export const options = {
  config: { type: 'string', short: 'c', default: 'autoscaler.yaml' },
  json: { type: 'boolean', default: false },
  'exit-when-idle': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  watch: { type: 'boolean', short: 'w', default: false },
  'rebuild-state': { type: 'boolean', default: false },
  round: { type: 'string' },
  url: { type: 'string' },
  'token-env': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} satisfies ParseArgsOptionsConfig

/** What was given on the command line. */
export interface Given {
  /** What stood after the command's name. */
  words?: readonly string[]
  config?: string
  json?: boolean
  'exit-when-idle'?: boolean
  yes?: boolean
  watch?: boolean
  'rebuild-state'?: boolean
  round?: string
  url?: string
  'token-env'?: string
  help?: boolean
  version?: boolean
}

/** One command; answers the exit code. */
export type Command = (given: Given) => Promise<number>

/** The command line cannot be understood. */
export class Usage extends Error {
  override readonly name = 'Usage'
}
