import { z } from 'zod'
import { type Finding, good, note, problem, warning } from '../../core/finding.ts'
import type { Scope } from '../../core/scope.ts'
import { unlessAbsent } from '../absent.ts'
import { ForgeRefused } from '../errors.ts'
import type { CheckQuery } from '../forge.ts'
import { type CheckedServer, nameOf } from './checked-server.ts'
import { fixFor, lackingScopes, trial } from './refusal.ts'

/** The group of calls in which a scope's lists, runners and hooks lie; a token has rights by group. */
const groups: Record<Exclude<Scope['level'], 'enterprise'>, string> = {
  repository: 'repository',
  organization: 'organization',
  user: 'user',
  instance: 'admin',
}

const ownToken = z.object({ scopes: z.array(z.string()) })

/** What is known of the token's rights: all scopes, or only whether it may read something that we never need. */
type Known = { scopes: readonly string[] } | { wide: boolean }

/**
 * Whether the forge knows the token, and whether that may do what it has to, and no more. Gitea 1.27 tells its scopes; before, Gitea's
 * refusal of something else does. Forgejo only says what it refuses, so what the token lacks is seen when it is needed.
 */
export async function checkToken(server: CheckedServer, query: CheckQuery, signal: AbortSignal): Promise<Finding[]> {
  const told = await trial(knownScopes(server, signal))
  if ('value' in told) {
    const findings = told.value ? scopeFindings(told.value, server, neededScopes(server, query)) : []
    return [good('token', 'the forge knows the token'), ...findings, ...(await nameFindings(server, signal))]
  }
  const { error } = told
  const unknown = error instanceof ForgeRefused && error.status === 401
  return unknown ? [problem('token', error.message, fixFor(error, server))] : []
}

function scopeFindings(known: Known, { kind, url }: CheckedServer, needed: readonly string[]): Finding[] {
  const fix = `make an access token with ${list(needed)} alone (${url}/user/settings/applications)`
  if ('wide' in known) {
    return known.wide
      ? [warning('token_scopes', `the token may read notifications, too: it can do more than ${list(needed)}`, fix)]
      : [note('token_scopes', `${nameOf[kind]} does not tell the token's scopes; it needs ${list(needed)}`)]
  }
  const { scopes } = known
  const lacking = needed.filter((scope) => !allows(scopes, scope))
  if (lacking.length > 0) return [problem('token_scopes', `the token lacks ${list(lacking)}: ${without(lacking)}`, fix)]
  if (scopes.includes('public-only')) {
    const message = 'the token is limited to what is public: jobs of private repositories stay hidden'
    return [warning('token_scopes', message, fix)]
  }
  const surplus = scopes.filter((scope) => !allows(needed, scope))
  if (surplus.length > 0) return [warning('token_scopes', `the token can do more than it needs: ${list(surplus)}`, fix)]
  return [good('token_scopes', `the token can do what it has to, and no more: ${list(scopes)}`)]
}

/** The names of repositories are in a group of their own, which nobody misses who serves a single one. */
async function nameFindings({ api, kind, scope, url }: CheckedServer, signal: AbortSignal): Promise<Finding[]> {
  if (kind !== 'forgejo' || scope.level === 'repository') return []
  const told = await trial(api.call({ path: '/api/v1/repositories/1', answer: z.unknown() }, signal))
  if ('value' in told || lackingScopes(told.error) === null) return []
  const message =
    'the token may not read repositories: jobs are shown without theirs, and no target with allow_repos takes them'
  return [warning('token_scopes', message, `add read:repository to its scopes (${url}/user/settings/applications)`)]
}

/** Registrations and webhooks are writes. Forgejo's jobs name their repository by an id alone. */
function neededScopes({ kind, scope }: Pick<CheckedServer, 'kind' | 'scope'>, query: CheckQuery): string[] {
  if (scope.level === 'enterprise') return []
  const writes = query.registers || query.hook !== null
  const own = `${writes ? 'write' : 'read'}:${groups[scope.level]}`
  return kind === 'forgejo' && scope.level !== 'repository' ? [own, 'read:repository'] : [own]
}

/** Null where it cannot be told. Rejects with 401 where the forge does not know the token. */
async function knownScopes({ api }: CheckedServer, signal: AbortSignal): Promise<Known | null> {
  const own = await unlessAbsent(api.call({ path: '/api/v1/token', answer: ownToken }, signal), [403, 404, 405])
  if (own) return { scopes: own.value.scopes }
  // Nothing that we ever need is in this group of calls.
  const other = await trial(api.call({ path: '/api/v1/notifications/new', answer: z.unknown() }, signal))
  if ('value' in other) return { wide: true }
  if (other.error instanceof ForgeRefused && other.error.status === 401) throw other.error
  if (lackingScopes(other.error) === null) return null
  const told = /token scope=(\S+)/.exec(other.error.message)?.[1]
  return told ? { scopes: told.split(',') } : { wide: false }
}

function allows(scopes: readonly string[], needed: string): boolean {
  return scopes.includes('all') || scopes.includes(needed) || scopes.includes(needed.replace('read:', 'write:'))
}

function without(lacking: readonly string[]): string {
  if (lacking.some((scope) => scope.startsWith('write:'))) return 'it can neither register runners nor keep its webhook'
  return lacking.includes('read:repository')
    ? 'it cannot tell the repositories of jobs'
    : 'it sees neither jobs nor runners'
}

function list(scopes: readonly string[]): string {
  return scopes.join(' and ')
}
