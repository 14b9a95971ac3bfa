import type { Hook, Repository, Run, SimulatedJob } from '../state.ts'
import type { Site } from './site.ts'

/** GitHub's objects, with every key that its published webhook schemas require. */
export function userJson(site: Site, login: string, id: number, type: 'User' | 'Organization' = 'User') {
  const url = `${site.url}/api/v3/users/${login}`
  return {
    login,
    id,
    node_id: nodeId('User', id),
    avatar_url: `${site.url}/avatars/u/${id}`,
    gravatar_id: '',
    url,
    html_url: `${site.url}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  }
}

export function senderJson(site: Site) {
  return userJson(site, site.user, 9001)
}

/** Undefined for a user's repository. */
export function organizationJson(site: Site, { owner, ownerId, ownerKind }: Repository) {
  if (ownerKind !== 'organization') return undefined
  const url = `${site.url}/api/v3/orgs/${owner}`
  return {
    login: owner,
    id: ownerId,
    node_id: nodeId('Organization', ownerId),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${site.url}/avatars/u/${ownerId}`,
    description: '',
  }
}

/** Paths below a repository's URL, by the key that holds them. */
const below = {
  ...{ archive_url: '/{archive_format}{/ref}', assignees_url: '/assignees{/user}', blobs_url: '/git/blobs{/sha}' },
  ...{ branches_url: '/branches{/branch}', collaborators_url: '/collaborators{/collaborator}' },
  ...{ comments_url: '/comments{/number}', commits_url: '/commits{/sha}', compare_url: '/compare/{base}...{head}' },
  ...{ contents_url: '/contents/{+path}', contributors_url: '/contributors', deployments_url: '/deployments' },
  ...{ downloads_url: '/downloads', events_url: '/events', forks_url: '/forks', git_commits_url: '/git/commits{/sha}' },
  ...{ git_refs_url: '/git/refs{/sha}', git_tags_url: '/git/tags{/sha}', hooks_url: '/hooks' },
  ...{ issue_comment_url: '/issues/comments{/number}', issue_events_url: '/issues/events{/number}' },
  ...{ issues_url: '/issues{/number}', keys_url: '/keys{/key_id}', labels_url: '/labels{/name}' },
  ...{ languages_url: '/languages', merges_url: '/merges', milestones_url: '/milestones{/number}' },
  ...{ notifications_url: '/notifications{?since,all,participating}', pulls_url: '/pulls{/number}' },
  ...{ releases_url: '/releases{/id}', stargazers_url: '/stargazers', statuses_url: '/statuses/{sha}' },
  ...{ subscribers_url: '/subscribers', subscription_url: '/subscription', tags_url: '/tags', teams_url: '/teams' },
  ...{ trees_url: '/git/trees{/sha}' },
}

export function repositoryJson(site: Site, { id, owner, ownerId, ownerKind, name }: Repository) {
  const url = `${site.url}/api/v3/repos/${owner}/${name}`
  const page = `${site.url}/${owner}/${name}`
  return {
    id,
    node_id: nodeId('Repository', id),
    name,
    full_name: `${owner}/${name}`,
    private: true,
    owner: userJson(site, owner, ownerId, ownerKind === 'organization' ? 'Organization' : 'User'),
    html_url: page,
    description: null,
    fork: false,
    url,
    ...Object.fromEntries(Object.entries(below).map(([key, path]) => [key, url + path])),
    created_at: founded,
    updated_at: founded,
    pushed_at: founded,
    git_url: `git://${owner}/${name}.git`,
    ssh_url: `git@localhost:${owner}/${name}.git`,
    clone_url: `${page}.git`,
    svn_url: page,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    ...{
      has_issues: true,
      has_projects: true,
      has_downloads: true,
      has_wiki: true,
      has_pages: false,
      has_discussions: false,
    },
    forks_count: 0,
    mirror_url: null,
    archived: false,
    disabled: false,
    open_issues_count: 0,
    license: null,
    allow_forking: true,
    is_template: false,
    topics: [],
    visibility: 'private',
    forks: 0,
    open_issues: 0,
    watchers: 0,
    default_branch: 'main',
  }
}

const founded = '2026-01-01T00:00:00Z'

export function statusWord({ status }: SimulatedJob): 'waiting' | 'queued' | 'in_progress' | 'completed' {
  switch (status) {
    case 'blocked':
    case 'queued':
      return 'queued'
    case 'waiting':
      return 'waiting'
    case 'running':
      return 'in_progress'
    case 'done':
      return 'completed'
  }
}

export function jobJson(site: Site, job: SimulatedJob) {
  const run = site.forge.jobs.runOf(job)
  const home = `${run.repository.owner}/${run.repository.name}`
  const api = `${site.url}/api/v3/repos/${home}`
  // A job that needs others is made only when they are done.
  const created = job.queuedAt ?? job.createdAt
  return {
    id: job.id,
    run_id: run.id,
    workflow_name: run.workflow,
    head_branch: 'main',
    run_url: `${api}/actions/runs/${run.id}`,
    run_attempt: job.attempt,
    node_id: nodeId('CheckRun', job.id),
    head_sha: run.commit,
    url: `${api}/actions/jobs/${job.id}`,
    html_url: `${site.url}/${home}/actions/runs/${run.id}/job/${job.id}`,
    status: statusWord(job),
    conclusion: job.conclusion,
    created_at: time(created),
    // Set on queued jobs too: no proof of a start.
    started_at: time(job.startedAt ?? created),
    completed_at: job.completedAt === null ? null : time(job.completedAt),
    name: job.name,
    steps: [],
    check_run_url: `${api}/check-runs/${job.id}`,
    labels: job.labels,
    runner_id: job.runner?.id ?? null,
    runner_name: job.runner?.name ?? null,
    runner_group_id: job.runner ? 1 : null,
    runner_group_name: job.runner ? 'Default' : null,
  }
}

export function runJson(site: Site, run: Run, jobs: readonly SimulatedJob[]) {
  const url = `${site.url}/api/v3/repos/${run.repository.owner}/${run.repository.name}/actions/runs/${run.id}`
  const done = jobs.every(({ status }) => status === 'done')
  const begun = jobs.some(({ status }) => status === 'running' || status === 'done')
  const held = jobs.some(({ status }) => status === 'waiting')
  const good = jobs.every(({ conclusion }) => conclusion === 'success' || conclusion === 'skipped')
  const cancelled = jobs.some(({ conclusion }) => conclusion === 'cancelled')
  return {
    id: run.id,
    name: run.workflow,
    node_id: nodeId('WorkflowRun', run.id),
    head_branch: 'main',
    head_sha: run.commit,
    path: `.github/workflows/${run.workflow}`,
    run_number: run.id,
    run_attempt: run.attempt,
    event: run.event,
    status: done ? 'completed' : held ? 'waiting' : begun ? 'in_progress' : 'queued',
    conclusion: !done ? null : cancelled ? 'cancelled' : good ? 'success' : 'failure',
    workflow_id: 1,
    url,
    html_url: `${site.url}/${run.repository.owner}/${run.repository.name}/actions/runs/${run.id}`,
    created_at: time(run.createdAt),
    updated_at: time(run.completedAt ?? run.createdAt),
    run_started_at: time(run.createdAt),
    ...Object.fromEntries(runLinks.map((link) => [`${link}_url`, `${url}/${link}`])),
    check_suite_url: `${url}/check-suite`,
    workflow_url: `${url}/workflow`,
    display_title: run.workflow,
    pull_requests: [],
    head_commit: {
      ...{ id: run.commit, tree_id: run.commit, message: run.workflow, timestamp: time(run.createdAt) },
      ...{ author: person(site), committer: person(site) },
    },
    repository: repositoryJson(site, run.repository),
    head_repository: repositoryJson(site, run.repository),
  }
}

function person({ user }: Site) {
  return { name: user, email: `${user}@example.org` }
}

const runLinks = ['jobs', 'logs', 'cancel', 'rerun', 'artifacts']

/** The secret reads back as stars, so a changed one cannot be seen. */
export function hookJson(site: Site, hook: Hook) {
  const { level, owner, name } = hook.scope
  const home = level === 'repository' ? `repos/${owner}/${name}` : `orgs/${owner}`
  const url = `${site.url}/api/v3/${home}/hooks/${hook.id}`
  return {
    type: level === 'repository' ? 'Repository' : 'Organization',
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: hook.events,
    config: configJson(hook),
    created_at: time(hook.createdAt),
    updated_at: time(hook.updatedAt),
    url,
    ...(level === 'repository' && { test_url: `${url}/test` }),
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: { code: null, status: 'unused', message: null },
  }
}

export function configJson(hook: Hook) {
  return {
    content_type: hook.contentType,
    insecure_ssl: '0',
    url: hook.url,
    ...(hook.secret && { secret: '********' }),
  }
}

export function time(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind}${id}`).toString('base64')
}
