import type { Repository, Run } from '../state.ts'
import { goTime } from './gitea-family.ts'
import type { Site } from './site.ts'

/** People and repositories as Forgejo and Gitea write them (the fields that matter to Actions). */
export function userJson(site: Site, login: string, id = 1) {
  return {
    id,
    login,
    login_name: '',
    source_id: 0,
    full_name: '',
    email: `${login}@noreply.localhost`,
    avatar_url: `${site.url}/avatars/${login}`,
    html_url: `${site.url}/${login}`,
  }
}

export function repositoryJson(site: Site, { id, owner, ownerId, name }: Repository) {
  const page = `${site.url}/${owner}/${name}`
  return {
    id,
    owner: userJson(site, owner, ownerId),
    name,
    full_name: `${owner}/${name}`,
    description: '',
    empty: false,
    private: false,
    fork: false,
    url: `${site.url}/api/v1/repos/${owner}/${name}`,
    html_url: page,
    clone_url: `${page}.git`,
    default_branch: 'main',
    archived: false,
    has_actions: true,
  }
}

/** The organization of a webhook: no `login`, unlike GitHub's. Undefined for a user's repository. */
export function organizationJson(site: Site, { owner, ownerId, ownerKind }: Repository) {
  if (ownerKind !== 'organization') return undefined
  return {
    id: ownerId,
    name: owner,
    full_name: '',
    email: '',
    avatar_url: `${site.url}/avatars/${owner}`,
    description: '',
    website: '',
    location: '',
    visibility: 'public',
    repo_admin_change_team_access: false,
    username: owner,
  }
}

export function pushJson(site: Site, run: Run) {
  const page = `${site.url}/${run.repository.owner}/${run.repository.name}`
  const who = userJson(site, site.user)
  const commit = {
    id: run.commit,
    message: `Change ${run.workflow}\n`,
    url: `${page}/commit/${run.commit}`,
    author: { name: site.user, email: who.email, username: site.user },
    committer: { name: site.user, email: who.email, username: site.user },
    timestamp: goTime(run.createdAt),
  }
  return {
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: run.commit,
    compare_url: `${page}/compare/main`,
    commits: [commit],
    total_commits: 1,
    head_commit: commit,
    repository: repositoryJson(site, run.repository),
    pusher: who,
    sender: who,
  }
}
