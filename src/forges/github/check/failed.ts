import type { Finding } from '../../../core/finding.ts'
import { ForgeError, ForgeLimited, ForgeRefused } from '../../errors.ts'

/** A call that failed, as a finding: what it said, and how to mend it. */
export function failed(check: string, error: unknown, needs: string | null = null): Finding {
  const message = error instanceof Error ? error.message : String(error)
  return { level: error instanceof ForgeLimited ? 'warning' : 'problem', check, message, fix: fixOf(error, needs) }
}

function fixOf(error: unknown, needs: string | null): string {
  if (error instanceof ForgeLimited) return 'try again later, and poll less often'
  if (!(error instanceof ForgeRefused)) {
    return error instanceof ForgeError
      ? 'check base_url, ca_file, and the way from here to GitHub'
      : 'this is a defect of Muster: please report it'
  }
  switch (error.status) {
    case 401:
      return 'make a new token (Settings > Developer settings), or mend app_id and private_key of the App'
    case 403:
    case 404:
      return needs ? `give the token ${needs}` : 'check the scope, and what the token or the App may do there'
    default:
      return 'see https://www.githubstatus.com, and try again'
  }
}
