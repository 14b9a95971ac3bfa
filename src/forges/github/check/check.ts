import { type Finding, good, problem, warning } from '../../../core/finding.ts'
import type { Scope } from '../../../core/scope.ts'
import { ForgeRefused } from '../../errors.ts'
import type { CheckQuery } from '../../forge.ts'
import type { GithubApi } from '../client.ts'
import type { AppCredential } from '../installation.ts'
import type { Place } from '../place.ts'
import { listRepositories } from '../repositories.ts'
import { type Repository, repository } from '../schema.ts'
import { checkAppPermissions, checkScopes } from './access.ts'
import { checkBudget } from './budget.ts'
import { checkExposure } from './exposure.ts'
import { failed } from './failed.ts'
import { checkHook, checkLastDelivery } from './hook.ts'
import { checkJobs, checkRunners } from './reads.ts'

/** What the parts of the check work with. */
export interface CheckDesk {
  api: GithubApi
  place: Place
  scope: Scope
  /** Null for a token. */
  app: AppCredential | null
  /** The token is a classic one, which has scopes. */
  classic: () => boolean
  probe: () => Promise<{ version: string | null }>
  signal: AbortSignal
}

/** What is told of, as the parts need it. */
export interface CheckedScope extends CheckDesk {
  query: CheckQuery
  /** The repositories of the scope; null where they cannot be listed. */
  repositories: readonly Repository[] | null
}

/**
 * Looks at a real set-up with the calls that will be made of it, and changes nothing. Never rejects. The names of what it looks at:
 * - `forge_reachable`: GitHub answers, and in which version
 * - `token`: it is let in
 * - `clock`: ours and GitHub's agree to within 30 s
 * - `token_scopes`, `app_permissions`: what a classic token or an App may do, lacking or too much
 * - `repositories`, `jobs`, `runners`: the lists that looks read
 * - `hook`, `hook_deliveries`: the webhook is there and right, and what became of its last delivery
 * - `public_repositories`, `runner_group`, `fork_approval`: who can have code run on the runners
 * - `rate_budget`: requests an hour against the quota
 */
export async function checkGithub(desk: CheckDesk, query: CheckQuery): Promise<readonly Finding[]> {
  const entry = await enter(desk)
  if (entry.some(({ level }) => level === 'problem')) return entry
  const { repositories, findings } = await listed(desk)
  const checked: CheckedScope = { ...desk, query, repositories }
  const found = await Promise.all(Object.entries(parts).map(([name, part]) => guarded(name, part, checked)))
  return [...entry, ...findings, ...found.flat(), ...checkBudget(checked)]
}

type Part = (of: CheckedScope) => Promise<Finding[]>

const parts: Readonly<Record<string, Part>> = {
  token_scopes: checkScopes,
  app_permissions: checkAppPermissions,
  jobs: checkJobs,
  runners: checkRunners,
  hook: checkHook,
  hook_deliveries: checkLastDelivery,
  public_repositories: checkExposure,
}

/** Whatever goes wrong in one part hides no other. */
async function guarded(name: string, part: Part, of: CheckedScope): Promise<Finding[]> {
  try {
    return await part(of)
  } catch (error) {
    return [failed(name, error)]
  }
}

/** Milliseconds. */
const skew = 30_000

async function enter({ api, probe }: CheckDesk): Promise<Finding[]> {
  try {
    const { version } = await probe()
    const found = [
      good('forge_reachable', `GitHub answers (${version})`),
      good('token', 'GitHub accepts the credentials'),
    ]
    const ahead = api.told.ahead ?? 0
    if (Math.abs(ahead) <= skew) return found
    const seconds = Math.round(Math.abs(ahead) / 1_000)
    const message = `the clock of this machine is ${seconds} s ${ahead > 0 ? 'behind' : 'ahead of'} GitHub's`
    return [...found, warning('clock', message, 'keep the clock right, with systemd-timesyncd or chrony')]
  } catch (error) {
    return [failed(isOfToken(error) ? 'token' : 'forge_reachable', error)]
  }
}

/** Refused for who we are, or already where an App asks for its token. */
function isOfToken(error: unknown): boolean {
  if (!(error instanceof ForgeRefused)) return false
  return error.status === 401 || error.status === 403 || !error.call.endsWith('/meta')
}

async function listed({
  api,
  place,
  scope,
  signal,
}: CheckDesk): Promise<{ repositories: readonly Repository[] | null; findings: Finding[] }> {
  try {
    switch (scope.level) {
      case 'repository': {
        const needs = 'the repository permission "Metadata: read" (classic: repo)'
        const { value } = await api.call({ path: place.path, answer: repository, needs }, signal)
        return { repositories: [value], findings: [good('repositories', `${value.full_name} is seen`)] }
      }
      case 'organization': {
        const { rows } = await listRepositories({ api, signal }, scope.owner ?? '')
        if (rows.length > 0)
          return { repositories: rows, findings: [good('repositories', `${rows.length} repositories are seen`)] }
        const fix =
          "give the token access to them (fine-grained: Repository access; App: the installation's Repository access)"
        return {
          repositories: rows,
          findings: [problem('repositories', 'the token sees no repository of the organization', fix)],
        }
      }
      default:
        return { repositories: null, findings: [] }
    }
  } catch (error) {
    return { repositories: null, findings: [failed('repositories', error)] }
  }
}
