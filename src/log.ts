import { type DestinationStream, type Logger, pino } from 'pino'
import type { Scrubber } from './secret.ts'

export type Log = Logger

export interface LogOptions {
  scrubber: Scrubber
  /** `info` where it is left out or empty. */
  level?: string
  /** Where lines go; standard error by default, so that standard output stays free for answers. */
  write?: (line: string) => void
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** MUSTER_LOG_LEVEL is none of the levels; the message names them. */
export class UnknownLogLevel extends Error {
  override readonly name = 'UnknownLogLevel'
}

/** One JSON object a line. Secrets are scrubbed by value from the finished line: redaction by path is blind to messages. */
export function createLog({ scrubber, level, write = (line) => process.stderr.write(line) }: LogOptions): Log {
  if (level && !levels.includes(level))
    throw new UnknownLogLevel(`MUSTER_LOG_LEVEL: expected ${levels.join(', ')}, found "${level}"`)
  const destination: DestinationStream = { write: (line) => write(scrubber.scrub(line)) }
  return pino({ level: level || 'info', base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}
