import { z } from 'zod'
import { type Finding, good, problem, warning } from '../../core/finding.ts'
import { unlessAbsent } from '../absent.ts'
import type { CheckQuery } from '../forge.ts'
import type { CheckedServer } from './checked-server.ts'
import { fixFor, trial } from './refusal.ts'
import { scopePath } from './scope-path.ts'

/** What we read of a repository, an organization or the token's user. */
const place = z.object({
  login: z.string().nullish(),
  private: z.boolean().nullish(),
  archived: z.boolean().nullish(),
  has_actions: z.boolean().nullish(),
})
type Place = z.output<typeof place>

/** Whether the token sees the configured scope, and jobs can be there. Of a whole instance only its lists tell. */
export async function checkScope(server: CheckedServer, query: CheckQuery, signal: AbortSignal): Promise<Finding[]> {
  const { api, scope } = server
  if (scope.level === 'instance') return []
  const what = [scope.owner, scope.name].filter((part) => part !== null).join('/')
  const told = await trial(unlessAbsent(api.call({ path: scopePath(scope), answer: place }, signal)))
  if ('error' in told) return [problem('scope', told.error.message, fixFor(told.error, server))]
  if (told.value === null) {
    // Its lists are what we need of it.
    const runners = await trial(server.listsRunners(signal))
    if ('value' in runners && runners.value) return [good('scope', `the token sees the runners of ${what}`)]
    const message = `there is no ${scope.level} ${what}, or the token may not see it`
    return [problem('scope', message, 'mend scope, or let the token belong to somebody who may see it')]
  }
  const { value } = told.value
  if (scope.level === 'user' && value.login?.toLowerCase() !== scope.owner?.toLowerCase()) {
    const message = `the token belongs to ${value.login}, not to ${what}: a user's jobs are shown to that user alone`
    return [problem('scope', message, `make the token as ${what}, or write ${value.login} as the scope's owner`)]
  }
  const seen = good('scope', `the token sees the ${scope.level} ${what}`)
  return scope.level === 'repository' ? [seen, ...repositoryFindings(value, server, query)] : [seen]
}

function repositoryFindings({ has_actions, archived, ...seen }: Place, server: CheckedServer, query: CheckQuery) {
  const settings = `${server.url}/${server.scope.owner}/${server.scope.name}/settings`
  const findings: Finding[] = []
  if (has_actions === false) {
    const fix = `switch Actions on under ${settings}; where there is no such switch, app.ini has [actions] ENABLED = false`
    findings.push(problem('actions', 'the repository has no Actions, so there are no jobs', fix))
  }
  if (archived) {
    const message = 'the repository is archived, so no job starts'
    findings.push(problem('actions', message, `take it out of the archive under ${settings}`))
  }
  if (seen.private === false && query.registers && !query.isolated) {
    const message = 'the repository is public: a pull request of anybody may bring code onto its runners'
    const fix =
      'run each job in a container or a machine of its own, and keep the approval of first pull requests switched on'
    findings.push(warning('repository_public', message, fix))
  }
  return findings
}
