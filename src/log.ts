import { type DestinationStream, type Logger, pino } from 'pino'
import type { Scrubber } from './secret.ts'

export type Log = Logger

export interface LogOptions {
  scrubber: Scrubber
  level?: string
  /** Where lines go; standard error by default, so that standard output stays free for answers. */
  write?: (line: string) => void
}

/** One JSON object a line. Secrets are scrubbed by value from the finished line: redaction by path is blind to messages. */
export function createLog({ scrubber, level = 'info', write = (line) => process.stderr.write(line) }: LogOptions): Log {
  const destination: DestinationStream = { write: (line) => write(scrubber.scrub(line)) }
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}
