import { type Finding, good, note, warning } from '../../../core/finding.ts'
import { ForgeError } from '../../errors.ts'
import { forkApproval, type Repository, runnerGroup } from '../schema.ts'
import type { CheckedScope } from './check.ts'

/**
 * Who can have code run on the runners. GitHub's advice is hardly ever to use self-hosted runners on public repositories: whoever opens a
 * pull request brings the code (docs.github.com, "Secure use reference").
 */
export async function checkExposure(of: CheckedScope): Promise<Finding[]> {
  const open = (of.repositories ?? []).filter(isPublic).map(({ full_name }) => full_name)
  if (of.repositories === null) return []
  if (open.length === 0) return [good('public_repositories', 'no repository in the scope is public')]
  const who =
    open.length > 3
      ? `${open.slice(0, 3).join(', ')} and ${open.length - 3} more are public`
      : `public: ${open.join(', ')}`
  const advice =
    'give each job a machine of its own (docker, kubernetes, nomad), name the others in allow_repos, or make them private'
  const group = await groupOf(of)
  // A group that leaves public repositories out keeps their code away, and their jobs waiting.
  if (group?.allows_public_repositories === false) {
    const fix = `Settings > Actions > Runner groups > ${group.name}: allow public repositories, or let their jobs run elsewhere`
    return [
      warning('runner_group', `the runner group ${group.name} takes no jobs of public repositories (${who})`, fix),
    ]
  }
  if (of.query.isolated) {
    return [good('public_repositories', `each job has a machine of its own (${who})`), ...(await approval(of))]
  }
  const danger = `pull requests of strangers can run code on the runners (${who})`
  return [warning('public_repositories', danger, advice), ...(await approval(of))]
}

async function groupOf({ api, place, scope, signal }: CheckedScope) {
  if (scope.level !== 'organization') return null
  const path = `${place.path}/actions/runner-groups/1`
  return unlessUnreadable(api.call({ path, answer: runnerGroup, needs: null }, signal))
}

async function approval({ api, place, scope, signal }: CheckedScope): Promise<Finding[]> {
  const path = `${place.path}/actions/permissions/fork-pr-contributor-approval`
  const answer = await unlessUnreadable(api.call({ path, answer: forkApproval, needs: null }, signal))
  const setting = 'Settings > Actions > General > Approval for running fork pull request workflows from contributors'
  if (answer === null) return [note('fork_approval', `who needs approval cannot be read; see ${setting}`)]
  if (answer.approval_policy === 'all_external_contributors') {
    return [good('fork_approval', 'workflows of all external contributors need approval')]
  }
  const message = `in this ${scope.level} only some external contributors need approval (${answer.approval_policy})`
  return [warning('fork_approval', message, `${setting}: Require approval for all external contributors`)]
}

/** Settings that a token of few permissions cannot read, and older servers do not have. */
async function unlessUnreadable<T>(call: Promise<{ value: T }>): Promise<T | null> {
  try {
    return (await call).value
  } catch (error) {
    if (error instanceof ForgeError) return null
    throw error
  }
}

function isPublic({ private: hidden, visibility }: Repository): boolean {
  return visibility ? visibility === 'public' : hidden === false
}
