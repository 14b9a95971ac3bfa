import { z } from 'zod'
import { type Finding, good, problem, warning } from '../../core/finding.ts'
import { type ForgeError, ForgeMisshapen, ForgeRefused, ForgeUnreachable } from '../errors.ts'
import { type CheckedServer, nameOf } from './checked-server.ts'
import { tokenFix, trial } from './refusal.ts'
import { kindOf } from './version.ts'

const versionAnswer = z.object({ version: z.string() })

/** Whether a forge answers at all, in step with our clock. `version` is null where it is no use to go on. */
export async function checkReach(
  server: CheckedServer,
  signal: AbortSignal,
): Promise<{ findings: Finding[]; version: string | null }> {
  const { api, url, clock } = server
  const told = await trial(api.call({ path: '/api/v1/version', answer: versionAnswer }, signal))
  if ('error' in told) return { findings: unanswered(told.error, server), version: null }
  const { headers, value } = told.value
  const findings = [good('forge_reachable', `${url} answers`), ...clockFindings(headers.date, clock.now())]
  return { findings, version: value.version }
}

/** A forge that lets nobody in without signing in asks for a good token here, too. */
function unanswered(error: ForgeError, server: CheckedServer): Finding[] {
  if (!(error instanceof ForgeRefused) || ![401, 403].includes(error.status))
    return [problem('forge_reachable', error.message, reachFix(error, server.url))]
  return [good('forge_reachable', `${server.url} answers`), problem('token', error.message, tokenFix(server.url))]
}

function reachFix(error: ForgeError, url: string): string {
  const { cause } = error
  const code = error instanceof ForgeUnreachable && cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  // Node's and OpenSSL's codes for certificates that are not trusted.
  if (/CERT|ISSUER|SELF_SIGNED|ALTNAME|VERIFY/.test(code))
    return 'give the forge a certificate of a known authority, or name its authority in ca_file'
  if (/ENOTFOUND|EAI_AGAIN/.test(code)) return `mend the host in base_url (${url}), or how this machine finds names`
  if (error instanceof ForgeRefused && error.status >= 300 && error.status < 400)
    return 'write in base_url where it leads to: no redirect is followed, so that the token goes nowhere else'
  if (error instanceof ForgeMisshapen || (error instanceof ForgeRefused && error.status === 404))
    return `write the web address of the forge in base_url, with its path if it has one, and let /api past any login page: ${url} answers as no forge does`
  return `start the forge, open the way to it, or mend base_url (${url})`
}

/** Milliseconds between two clocks that harm nobody. */
const tolerated = 30_000

function clockFindings(date: string | undefined, now: number): Finding[] {
  const behind = now - Date.parse(date ?? '')
  if (Number.isNaN(behind)) return []
  if (Math.abs(behind) <= tolerated) return [good('clock', 'its clock and the one of this machine agree')]
  const seconds = Math.round(Math.abs(behind) / 1_000)
  const message = `its clock is ${seconds} s ${behind > 0 ? 'behind' : 'ahead of'} that of this machine`
  return [warning('clock', message, 'set both by NTP')]
}

/** Which of the two it is. Who does not answer the call that tells may be either. */
export async function checkKind(
  { api, kind }: CheckedServer,
  version: string,
  signal: AbortSignal,
): Promise<Finding[]> {
  const told = await trial(kindOf(version, api, signal))
  if ('error' in told) return []
  if (told.value === kind) return [good('forge_kind', `it is a ${nameOf[kind]}`)]
  const message = `it is a ${nameOf[told.value]}, configured as a ${nameOf[kind]}`
  return [problem('forge_kind', message, `write ${told.value}: in place of ${kind}:`)]
}
