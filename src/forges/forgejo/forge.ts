import type { LabelRules } from '../../core/labels.ts'
import { readDelivery } from '../delivery.ts'
import type { Forge, ForgeContext, ForgeType } from '../forge.ts'
import { checkOwnServer } from '../own-server/check.ts'
import { createHooks, listsHooks } from '../own-server/hooks.ts'
import { type OwnServer, reach } from '../own-server/server.ts'
import { kindOf, versionOf } from '../own-server/version.ts'
import { forgejoParts } from './check.ts'
import { createForgejoClient } from './client.ts'
import { jobList } from './jobs.ts'
import { createRepositories } from './repositories.ts'
import { seenRunner, unregister } from './runners.ts'
import type { ActionJob } from './schema.ts'
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

const isGitea = 'this is no Forgejo: a Gitea is configured with gitea: in place of forgejo:'

/** Forgejo, v11 to v17-dev: jobs are found by asking; a webhook is mostly a hint to look now. */
export const forgejo: ForgeType<OwnServer> = {
  kind: 'forgejo',
  labels,
  levels: ['repository', 'organization', 'user', 'instance'],
  create,
}

function create(server: OwnServer, context: ForgeContext): Forge {
  const { scope, clock, note } = context
  const { api, url } = reach(server, context)
  const client = createForgejoClient(api, scope)
  const repositories = createRepositories(client, clock)
  const hooks = createHooks({ api, scope, forge: 'forgejo', events: hookEvents })
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
      if (!jobs) note((await kindOf(version, api, signal)) === 'forgejo' ? noJobs : isGitea)
      const runners = (await client.someRunners(signal)) !== null
      listsAll = runners
      return {
        version,
        jobs,
        runners,
        jobEvents,
        hooks: await listsHooks({ api, scope }, signal),
        // Both came with v15.
        registration: runners ? 'each' : jobs ? 'shared' : null,
        recovers: false,
      }
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

    check: (query, signal) => checkOwnServer({ api, url, scope, clock, ...forgejoParts(client) }, query, signal),
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
