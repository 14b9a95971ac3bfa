import { z } from 'zod'
import type { Reading } from '../fields.ts'
import { Secret } from '../secret.ts'
import { expanded } from './expanded.ts'
import { told } from './refusal.ts'

/** Where an address is listened at; an empty host means every address. */
export const listenAddress: z.ZodType<{ host: string; port: number }> = z.unknown().transform((input, ctx) => {
  const [, v6, host, port] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/i.exec(typeof input === 'string' ? input : '') ?? []
  if (port !== undefined && Number(port) <= 65_535) {
    return { host: v6 ?? host ?? '', port: Number(port) }
  }
  const hint = typeof input === 'number' ? `write ":${input}"` : ''
  const message = told('an address such as ":8090", "127.0.0.1:8091" or "[::1]:80"', hint)({ input })
  ctx.issues.push({ code: 'custom', message, input })
  return z.NEVER
})

/** An http or https URL, with `${VAR}` expanded. User and password in it are kept, and known as secrets. */
export function url(reading: Reading): z.ZodType<URL> {
  return z.unknown().transform((input, ctx) => {
    const result = parse(input, reading)
    if ('url' in result) return result.url
    // The text itself is not shown: it may carry a password.
    ctx.issues.push({
      code: 'custom',
      message: `expected a URL such as https://git.example.org, ${result.problem}`,
      input,
    })
    return z.NEVER
  })
}

/** The URL of a PostgreSQL database, with `${VAR}` expanded. It is a secret as a whole, and so is the password in it. */
export function postgresUrl(reading: Reading): z.ZodType<Secret> {
  return z.unknown().transform((input, ctx) => {
    const result = parsePostgres(input, reading)
    if ('secret' in result) return result.secret
    const message = `expected a URL such as postgres://user:password@host/database, ${result.problem}`
    ctx.issues.push({ code: 'custom', message, input })
    return z.NEVER
  })
}

function parsePostgres(input: unknown, { environment, secrets }: Reading): { secret: Secret } | { problem: string } {
  const result = expandedUrl(String(input), environment)
  if ('problem' in result) return result
  const parsed = URL.parse(result.text)
  if (!parsed || !/^postgres(ql)?:\/\//i.test(result.text)) return { problem: 'found a text that is none' }
  if (parsed.pathname.length < 2) return { problem: 'found one that names no database' }
  const secret = new Secret(result.text)
  const passwords = [parsed.password, decodedOr(parsed.password), parsed.searchParams.get('password') ?? '']
  secrets.push(secret, ...passwords.filter((password) => password !== '').map((password) => new Secret(password)))
  return { secret }
}

/** The address of a forge's web pages: a path in it is kept, all else behind it is left out with a warning. */
export function webAddress(reading: Reading): z.ZodType<URL> {
  return url(reading).transform((written) => {
    const bare = new URL(written.pathname.replace(/\/+$/, '') || '/', written.origin)
    if (written.username || written.password || written.search || written.hash) {
      reading.warnings.push(`${bare.href}: user, password, query and fragment of a base_url are not used.`)
    }
    return bare
  })
}

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

function parse(input: unknown, { environment, secrets }: Reading): { url: URL } | { problem: string } {
  if (typeof input !== 'string') return { problem: told('')({ input }).replace(/^.*, (?=found)/, '') }
  const result = expandedUrl(input, environment)
  if ('problem' in result) return result
  const parsed = URL.parse(result.text)
  if (!parsed || !/^https?:$/.test(parsed.protocol) || !/^https?:\/\//i.test(result.text)) {
    return { problem: 'found a text that is none, it begins with https:// or http://' }
  }
  for (const part of [parsed.username, parsed.password]) {
    if (part) secrets.push(new Secret(decodedOr(part)))
  }
  return { url: parsed }
}

/** A variable between `//` and `@` is encoded, so that a password with a slash in it cannot become part of the host. */
function expandedUrl(text: string, environment: Reading['environment']): ReturnType<typeof expanded> {
  const [, scheme = '', user = '', rest = text] = /^([a-z]+:\/\/)([^/?#]*@)?(.*)$/is.exec(text) ?? []
  const parts = [expanded(user, environment, encodeURIComponent), expanded(rest, environment)]
  const failed = parts.find((part) => 'problem' in part)
  return failed ?? { text: scheme + parts.map((part) => ('text' in part ? part.text : '')).join('') }
}

function decodedOr(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
