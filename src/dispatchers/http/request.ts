import type { LaunchRequest } from '../dispatcher.ts'
import type { HttpOptions } from './options.ts'

/** Where the API lies; without user and password, so that no error can show them. */
export function dispatchUrl(base: URL): URL {
  const url = new URL(base)
  url.username = ''
  url.password = ''
  url.hash = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v1/dispatch`
  return url
}

/** The header that proves who asks, and every value in it that must not be shown. A token goes before user and password. */
export function authorization({ url, token }: Pick<HttpOptions, 'url' | 'token'>): {
  headers: Record<string, string>
  secrets: string[]
} {
  if (token) {
    const value = token.reveal()
    return { headers: { authorization: `Bearer ${value}` }, secrets: [value] }
  }
  if (!url.username && !url.password) return { headers: {}, secrets: [] }
  const [user, password] = [decoded(url.username), decoded(url.password)]
  const basic = Buffer.from(`${user}:${password}`).toString('base64')
  return { headers: { authorization: `Basic ${basic}` }, secrets: [password, url.password, `${user}:${password}`] }
}

/** The key under which the dispatcher may recognise a repeat, and the job for its log. */
export function launchHeaders({ id, job }: LaunchRequest): Record<string, string> {
  return { 'idempotency-key': id, ...(job !== null && { 'x-muster-job': encodeURI(job.toWellFormed()) }) }
}

/** The body as the ancestor's dispatcher reads it: what is empty is left out, `scope` is always there. */
export function launchBody({ labels, ttl, machineType, image, env, scope }: LaunchRequest): Record<string, unknown> {
  return {
    count: 1,
    labels,
    ttl: goDuration(ttl),
    ...(machineType && { machine_type: machineType }),
    ...(image && { image }),
    ...(Object.keys(env).length > 0 && { env }),
    scope: {
      level: scope.level,
      ...(scope.owner && { owner: scope.owner }),
      ...(scope.name && { name: scope.name }),
    },
  }
}

/** Milliseconds as Go prints a duration: `20m0s`, `1h30m0s`, `1.5s`, `500ms`. */
export function goDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`
  const hours = Math.floor(ms / 3_600_000)
  const minutes = Math.floor(ms / 60_000) % 60
  const seconds = `${(ms % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}

// A stray % is no escape; the value then is what was written.
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
