import type { LabelRules } from '../../core/labels.ts'
import type { JobList } from '../../core/look.ts'
import type { SeenRunner } from '../../core/runner.ts'
import type { Scope } from '../../core/scope.ts'
import { readDelivery } from '../delivery.ts'
import type { Forge, ForgeContext, ForgeType } from '../forge.ts'
import { createHooks, listsHooks } from '../hooks.ts'
import { type OwnServer, reach } from '../own-server.ts'
import { versionOf } from '../version.ts'
import { stateOf, toldJob } from '../workflow-job.ts'
import { createGiteaClient, type GiteaClient } from './client.ts'
import type { ActionRunner, ListedJob } from './schema.ts'
import { hookEvents, idHeaders, mayBeCaller, readEvent } from './webhook.ts'

/** A job without labels runs on any runner; up to 1.26 the job that calls a reusable workflow is of that kind. */
const labels: LabelRules = {
  foldCase: false,
  cutSchemes: true,
  implied: [],
  unlabelled: 'anywhere',
  hostedUnless: null,
}

/** Gitea, 1.24 to 1.27: it tells of each job by webhook, and since 1.25 lists them. */
export const gitea: ForgeType<OwnServer> = {
  kind: 'gitea',
  labels,
  levels: ['repository', 'organization', 'user', 'instance'],
  create,
}

function create(server: OwnServer, context: ForgeContext): Forge {
  const { scope } = context
  const { api, url } = reach(server, context)
  const client = createGiteaClient(api, scope)
  const hooks = createHooks({ api, scope, events: hookEvents })
  // Until the version is known, a job without labels is shown rather than hidden.
  let callers = false

  return {
    kind: 'gitea',
    labels,
    // Up to 1.26 a re-run has the id of the run before it.
    rounds: { requeue: 'soon' },

    read: (delivery) =>
      readDelivery(delivery, { secrets: context.secrets(), idHeaders }, (event, body) =>
        readEvent(event, body, { scope, callers }),
      ),

    async probe(signal) {
      const version = await versionOf(api, signal)
      if (version !== null) callers = isSince27(version)
      if (version?.includes('+gitea-')) context.note(isForgejo)
      const runners = await client.has('runners', signal)
      if (!runners) context.note(noRunners)
      const jobs = await client.has('jobs', signal)
      // The list of runners and the job event both came with 1.24.
      return { version, jobs, runners, jobEvents: runners, hooks: await listsHooks({ api, scope }, signal) }
    },

    async jobs(_, signal) {
      const listed = await client.jobs(['queued', 'in_progress'], signal)
      if (!listed) return null
      const list = jobList(listed, scope)
      return callers ? { ...list, jobs: list.jobs.filter((job) => !mayBeCaller(job)) } : list
    },

    async runners(signal) {
      const listed = await client.runners(signal)
      return listed && { complete: listed.complete, runners: listed.rows.map(seenRunner) }
    },

    async register(_, signal) {
      return { kind: 'registration-token', forge: 'gitea', url, token: await client.registrationToken(signal) }
    },

    unregister: (runner, signal) => unregister(client, runner, signal),
    ensureHook: (wish, signal) => hooks.ensure(wish, signal),
  }
}

const isForgejo = 'this is a Forgejo: configure the instance with forgejo: in place of gitea:'
const noRunners =
  'Gitea has no runner list here: the scope is misspelt or hidden from the token, or Gitea is older than 1.24'

/** True for 1.27, for what comes after it, and for a build that names no number. */
function isSince27(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? []
  return major === undefined || Number(major) > 1 || Number(minor) >= 27
}

function jobList({ complete, rows }: { complete: boolean; rows: readonly ListedJob[] }, scope: Scope): JobList {
  const told = rows.map((row) => ({ row, state: stateOf(row.status) }))
  const jobs = told.flatMap(({ row, state }) =>
    state === null || state === 'finished' ? [] : [toldJob(row, state, { name: repositoryOf(row, scope), id: null })],
  )
  // A status that nobody knows proves nothing.
  return { complete: complete && told.every(({ state }) => state !== null), filter: null, jobs }
}

/**
 * A row names its repository in its API addresses alone. Their host is the one that the server believes to have, and what
 * follows `/actions/` changes with the version, so only `/api/v1/repos/{owner}/{name}/actions/` is read.
 */
function repositoryOf(row: ListedJob, scope: Scope): string | null {
  if (scope.level === 'repository') return `${scope.owner}/${scope.name}`
  for (const url of [row.run_url, row.url]) {
    // Names of owners and repositories are made of these characters alone, so nothing is escaped.
    const [, owner, name] = /\/api\/v1\/repos\/([\w.-]+)\/([\w.-]+)\/actions\//.exec(url ?? '') ?? []
    if (owner && name) return `${owner}/${name}`
  }
  return null
}

function seenRunner({ id, name, labels, status, busy, disabled, ephemeral }: ActionRunner): SeenRunner {
  const state = status === 'offline' ? 'offline' : busy ? 'busy' : disabled ? 'offline' : 'idle'
  return { id, name, labels, state, ephemeral: ephemeral ?? null }
}

/**
 * Gitea removes a runner at work without a word, and calls one idle that wrote nothing for 10 s. So it is given no more
 * jobs where that can be done (since 1.26), then looked at, also in the list of running jobs; one with another name is not ours.
 */
async function unregister(
  client: GiteaClient,
  { id, name }: { id: string; name: string },
  signal: AbortSignal,
): Promise<'removed' | 'busy'> {
  const before = await client.runner(id, signal)
  if (before === null || before.name !== name) return 'removed'
  if (before.busy) return 'busy'
  const disabled = await client.disableRunner(id, true, signal)
  const runner = await client.runner(id, signal)
  if (runner === null) return 'removed'
  const running = await client.jobs(['in_progress'], signal)
  if (runner.busy || running?.rows.some(({ runner_name }) => runner_name === name)) {
    if (disabled && !before.disabled) await client.disableRunner(id, false, signal)
    return 'busy'
  }
  await client.removeRunner(id, signal)
  return 'removed'
}
