import type { LabelRules } from '../../core/labels.ts'
import type { JobList } from '../../core/look.ts'
import type { SeenRunner } from '../../core/runner.ts'
import { readDelivery } from '../delivery.ts'
import type { Forge, ForgeContext, ForgeType } from '../forge.ts'
import { createHooks, listsHooks } from '../hooks.ts'
import { type OwnServer, reach } from '../own-server.ts'
import { versionOf } from '../version.ts'
import { createForgejoClient, type ForgejoClient } from './client.ts'
import { stateOfJob, toldJob } from './job.ts'
import { createRepositories } from './repositories.ts'
import type { ActionJob, ActionRunner } from './schema.ts'
import { hookEvents, idHeaders, isJobEvent, readEvent } from './webhook.ts'

const labels: LabelRules = {
  foldCase: false,
  cutSchemes: true,
  implied: [],
  unlabelled: 'never',
  hostedUnless: null,
}

const noJobs =
  'Forgejo has no job list here: the scope is misspelt or hidden from the token, or Forgejo is older than v11'

/** Forgejo, v11 to v17-dev: jobs are found by asking; a webhook is mostly a hint to look now. */
export const forgejo: ForgeType<OwnServer> = {
  kind: 'forgejo',
  labels,
  levels: ['repository', 'organization', 'user', 'instance'],
  create,
}

function create(server: OwnServer, context: ForgeContext): Forge {
  const { scope } = context
  const { api, url } = reach(server, context)
  const client = createForgejoClient(api, scope)
  const repositories = createRepositories(client, context.clock)
  const hooks = createHooks({ api, scope, events: hookEvents })
  // No version can be asked whether it has job events: one that came, or a hook that kept them, proves it.
  let jobEvents = false
  // v11 to v13 answer nothing to a question without labels; v15, which is known by its runner list, answers with every job.
  let listsAll = false

  return {
    kind: 'forgejo',
    labels,
    // Its lists are its database: one that begins after a delivery is newer than that.
    rounds: { requeue: 'soon' },

    async read(delivery) {
      const envelope = { secrets: context.secrets(), idHeaders }
      const reading = await readDelivery(delivery, envelope, (event, body) => readEvent(event, body, scope))
      if (reading.kind === 'jobs') jobEvents = true
      return reading
    },

    async probe(signal) {
      const version = await versionOf(api, signal)
      const jobs = (await client.jobs(['muster'], signal)) !== null
      const runners = (await client.someRunners(signal)) !== null
      listsAll = runners
      if (!jobs) context.note(noJobs)
      return { version, jobs, runners, jobEvents, hooks: await listsHooks({ api, scope }, signal) }
    },

    async jobs({ labels: wanted }, signal) {
      // A comma parts labels in the question, so none can be asked for that has one.
      const filter = listsAll ? null : wanted.filter((label) => !label.includes(','))
      if (filter?.length === 0) return { complete: true, filter, jobs: [] }
      const rows = await client.jobs(filter, signal)
      return rows && jobList(rows, filter, await namesOf(rows, signal))
    },

    async runners(signal) {
      const listed = await client.runners(signal)
      return listed && { complete: listed.complete, runners: listed.rows.map(seenRunner) }
    },

    async register({ name, handle }, signal) {
      const description = `made by Muster for its instance ${context.instance}`
      const made = await client.registerRunner(name, description, signal)
      if (made) return { kind: 'forgejo', url, ...made, handle }
      return { kind: 'registration-token', forge: 'forgejo', url, token: await client.registrationToken(signal) }
    },

    unregister: (runner, signal) => unregister(client, runner, signal),

    async ensureHook(wish, signal) {
      const state = await hooks.ensure(wish, signal)
      if (state.events.some(isJobEvent)) jobEvents = true
      return state
    },
  }

  async function namesOf(
    rows: readonly ActionJob[],
    signal: AbortSignal,
  ): Promise<(id: string | null) => string | null> {
    if (scope.level === 'repository') return () => `${scope.owner}/${scope.name}`
    const names = await repositories.named(
      rows.flatMap(({ repo_id }) => repo_id ?? []),
      signal,
    )
    return (id) => (id === null ? null : (names.get(id) ?? null))
  }
}

/** The list in our words. Jobs without labels are outer jobs of called workflows; a status that nobody knows proves nothing. */
function jobList(
  rows: readonly ActionJob[],
  filter: readonly string[] | null,
  nameOf: (id: string | null) => string | null,
): JobList {
  const told = rows
    .filter(({ runs_on }) => runs_on.length > 0)
    // Listed newest first (v11 to v17-dev) and without their moments: by their ids, which grow, the oldest is served first.
    .sort((a, b) => Number(a.id) - Number(b.id))
    .map((row) => ({ row, state: stateOfJob(row.status) }))
  const jobs = told.flatMap(({ row, state }) =>
    state === null || state === 'finished' ? [] : [toldJob(row, state, { name: nameOf(row.repo_id), id: row.repo_id })],
  )
  return { complete: told.every(({ state }) => state !== null), filter, jobs }
}

function seenRunner({ id, name, labels, status, ephemeral }: ActionRunner): SeenRunner {
  const state = status === 'idle' ? 'idle' : status === 'active' ? 'busy' : 'offline'
  return { id, name, labels, state, ephemeral: ephemeral ?? null }
}

/** Forgejo removes a runner at work without a word, so it is looked at just before; one with another name is not ours. */
async function unregister(
  client: ForgejoClient,
  { id, name }: { id: string; name: string },
  signal: AbortSignal,
): Promise<'removed' | 'busy'> {
  const runner = await client.runner(id, signal)
  if (runner === null || runner.name !== name) return 'removed'
  if (runner.status === 'active') return 'busy'
  await client.removeRunner(id, signal)
  return 'removed'
}
