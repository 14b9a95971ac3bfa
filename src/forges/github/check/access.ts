import { type Finding, good, problem, warning } from '../../../core/finding.ts'
import type { CheckedScope } from './check.ts'
import { failed } from './failed.ts'

/** Classic scopes that stand for a needed one too (docs.github.com, "Scopes for OAuth apps"). */
const standIns: Readonly<Record<string, readonly string[]>> = {
  'admin:repo_hook': ['repo'],
  'manage_runners:enterprise': ['admin:enterprise'],
}

/** What a classic token needs, and what it has beyond that. */
export async function checkScopes({ api, app, classic, scope, query }: CheckedScope): Promise<Finding[]> {
  const { scopes } = api.told
  if (app || scopes === null || !classic()) return []
  const hook = query.hook !== null
  const needed = {
    repository: ['repo', ...(hook ? ['admin:repo_hook'] : [])],
    organization: ['repo', 'admin:org', ...(hook ? ['admin:org_hook'] : [])],
    enterprise: ['manage_runners:enterprise'],
    user: [],
    instance: [],
  }[scope.level]
  const lacking = needed.filter((one) => ![one, ...(standIns[one] ?? [])].some((enough) => scopes.includes(enough)))
  const useful = new Set(needed.flatMap((one) => [one, ...(standIns[one] ?? [])]))
  const surplus = scopes.filter((one) => !useful.has(one))
  const page = 'Settings > Developer settings > Personal access tokens > Tokens (classic)'
  return [
    ...(lacking.length === 0 ? [good('token_scopes', `the classic token has ${needed.join(', ')}`)] : []),
    ...lacking.map((one) =>
      problem('token_scopes', `the classic token lacks the scope ${one}`, `${page}: select ${one}`),
    ),
    ...surplus.map((one) =>
      warning('token_scopes', `the classic token has the scope ${one}, which is not needed`, `${page}: clear ${one}`),
    ),
  ]
}

const ranks = ['read', 'write', 'admin']

/** What the App's installation may do. */
export async function checkAppPermissions({ app, scope, query, signal }: CheckedScope): Promise<Finding[]> {
  if (!app) return []
  try {
    const { id, account, permissions } = await app.describe(signal)
    if (account?.login && account.login.toLowerCase() !== scope.owner?.toLowerCase()) {
      const message = `the installation ${id} is that of ${account.login}, not of ${scope.owner}`
      return [problem('app_permissions', message, 'leave installation_id out, so that it is found, or mend it')]
    }
    const needed = appNeeds(scope.level, query.hook !== null, query.registers)
    const lacking = needed.filter(({ key, access }) => ranks.indexOf(permissions[key] ?? '') < ranks.indexOf(access))
    const surplus = Object.entries(permissions).filter(
      ([key, access]) => access !== 'read' && !needed.some((one) => one.key === key && one.access === access),
    )
    const page = "the App's settings > Permissions & events"
    return [
      ...(lacking.length === 0 ? [good('app_permissions', 'the App has the permissions that are needed')] : []),
      ...lacking.map(({ name, access }) =>
        problem(
          'app_permissions',
          `the App lacks the permission "${name}: ${access}"`,
          `${page}: ${name}: ${access}; then accept the new permissions at its installation`,
        ),
      ),
      ...surplus.map(([key, access]) =>
        warning('app_permissions', `the App has ${key}: ${access}, which is not needed`, `${page}: lower ${key}`),
      ),
    ]
  } catch (error) {
    return [failed('app_permissions', error)]
  }
}

function appNeeds(level: CheckedScope['scope']['level'], hook: boolean, registers: boolean) {
  const access = registers ? 'write' : 'read'
  const ofRepository = [
    { key: 'administration', name: 'Repository permissions > Administration', access },
    ...(hook ? [{ key: 'repository_hooks', name: 'Repository permissions > Webhooks', access: 'write' }] : []),
  ]
  const ofOrganization = [
    { key: 'organization_self_hosted_runners', name: 'Organization permissions > Self-hosted runners', access },
    ...(hook ? [{ key: 'organization_hooks', name: 'Organization permissions > Webhooks', access: 'write' }] : []),
  ]
  const actions = { key: 'actions', name: 'Repository permissions > Actions', access: 'read' }
  return [actions, ...(level === 'repository' ? ofRepository : ofOrganization)]
}
