import type { Scrubber } from '../../secret.ts'
import { reason } from '../reason.ts'

/** The engine's status; null when there was no answer. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null
  return typeof status === 'number' ? status : null
}

/** True only when surely nothing of the request reached an engine: no socket, refused, no such host, TLS not agreed upon. */
export function neverConnected(error: unknown): boolean {
  if (!(error instanceof Error) || statusOf(error) !== null) return false
  if (error.name === 'DispatcherUnusable') return true
  const { code = '', syscall = '' } = error as NodeJS.ErrnoException
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  return /CERT|SELF_SIGNED|^ERR_(TLS|SSL)|^EPROTO$|^UNABLE_TO_/.test(code) || /before secure TLS/.test(error.message)
}

/** The engine's own words, on one line, scrubbed. */
export function said(error: unknown, scrubber?: Scrubber): string {
  if (!(error instanceof Error)) return reason(String(error), scrubber)
  if (error.name === 'TimeoutError') return 'the engine did not answer in time'
  if (error.name === 'AbortError') return 'the call was given up'
  // docker-modem: `(HTTP code 409) unexpected - You cannot …`.
  return reason(error.message.replace(/^\(HTTP code (\d+)\) [^-]*- /, 'the engine answered $1: '), scrubber)
}
