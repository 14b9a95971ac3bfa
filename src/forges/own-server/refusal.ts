import type { Scope } from '../../core/scope.ts'
import { ForgeError, ForgeLimited, ForgeRefused } from '../errors.ts'

/** What a call came to, so that one that fails is a finding like any other. Errors of our own are no finding. */
export async function trial<T>(call: Promise<T>): Promise<{ value: T } | { error: ForgeError }> {
  try {
    return { value: await call }
  } catch (error) {
    if (error instanceof ForgeError) return { error }
    throw error
  }
}

/**
 * The token scopes that a refusal of Forgejo or Gitea names: `…required scope(s), required=[read:user], token scope=write:repository`
 * (Gitea 1.24 to 1.27), `…required scope(s): [read:user]` (Forgejo 15).
 */
export function lackingScopes(error: ForgeError): string | null {
  if (!(error instanceof ForgeRefused) || error.status !== 403) return null
  return /required scope\(s\)[^[]*\[([^\]]+)\]/.exec(error.detail)?.[1] ?? null
}

/** For a token that the forge does not know. */
export function tokenFix(url: string): string {
  return `make a new access token (${url}/user/settings/applications) and write it as the forge's token`
}

/** How a refused call of Forgejo or Gitea is mended. */
export function fixFor(error: ForgeError, { url, scope }: { url: string; scope: Scope }): string {
  const lacking = lackingScopes(error)?.replace('read:', 'write:')
  if (lacking) return `make a new access token with the scope ${lacking} (${url}/user/settings/applications)`
  if (error instanceof ForgeLimited) return 'something before the forge limits requests: try again later'
  if (!(error instanceof ForgeRefused)) return 'see why the forge, or a proxy before it, answers so'
  switch (error.status) {
    case 401:
      return tokenFix(url)
    case 403:
      return /DISABLE_WEBHOOKS/.test(error.message)
        ? 'an administrator sets [security] DISABLE_WEBHOOKS = false in app.ini; or leave webhook out: polling does without'
        : `let the token belong to ${owners[scope.level]}`
    case 404:
    case 405:
      return 'update the forge: this version lacks the call, or mend scope'
    default:
      return error.status >= 500 ? "see the forge's log" : 'see why the forge, or a proxy before it, answers so'
  }
}

const owners: Record<Scope['level'], string> = {
  repository: "the repository's owner: its runners are shown to nobody else",
  organization: 'an owner of the organization: they alone see its runners and webhooks',
  user: 'the user',
  instance: 'an administrator of the forge',
  enterprise: 'its owner',
}
