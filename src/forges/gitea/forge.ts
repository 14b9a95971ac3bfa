import type { LabelRules } from '../../core/labels.ts'
import { readDelivery } from '../delivery.ts'
import { ForgeError } from '../errors.ts'
import type { Capabilities, Forge, ForgeContext, ForgeType } from '../forge.ts'
import { checkOwnServer } from '../own-server/check.ts'
import { createHooks, listsHooks } from '../own-server/hooks.ts'
import { type OwnServer, reach } from '../own-server/server.ts'
import { versionOf } from '../own-server/version.ts'
import { giteaParts } from './check.ts'
import { createGiteaClient, type GiteaClient } from './client.ts'
import { jobList } from './jobs.ts'
import { createRegistration } from './registration.ts'
import { seenRunner, unregister } from './runners.ts'
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
  const { scope, clock, note } = context
  const { api, url } = reach(server, context)
  const client = createGiteaClient(api, scope)
  const hooks = createHooks({ api, scope, forge: 'gitea', events: hookEvents })
  // Until it is known, a job without labels is shown rather than hidden.
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
      if (version?.includes('+gitea-')) note(isForgejo)
      const runners = await client.listsRunners(signal)
      if (!runners) note(noRunners)
      const jobs = await client.jobListKind(signal)
      // An order of jobs and rows for callers both came with 1.27 (#37672, #37478); no call tells of callers.
      callers = jobs === 'ordered'
      return {
        version,
        jobs: jobs !== null,
        runners,
        // The list of runners and the job event both came with 1.24.
        jobEvents: runners,
        hooks: await listsHooks({ api, scope }, signal),
        registration: await registrationOf(client, signal),
        recovers: false,
      }
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

    register: createRegistration({ client, url, note, rules: labels }),
    unregister: (runner, signal) => unregister(client, runner, signal),
    ensureHook: (wish, signal) => hooks.ensure(wish, signal),
    check: (query, signal) => checkOwnServer({ api, url, scope, clock, ...giteaParts(client) }, query, signal),
  }
}

/** For people alone, so that no failure of that service stands in the way of the rest; each runner is registered as it can be. */
async function registrationOf(client: GiteaClient, signal: AbortSignal): Promise<Capabilities['registration']> {
  try {
    return (await client.hasRunnerService(signal)) ? 'each' : 'shared'
  } catch (error) {
    if (error instanceof ForgeError) return null
    throw error
  }
}

const isForgejo = 'this is a Forgejo: configure the instance with forgejo: in place of gitea:'
const noRunners =
  'Gitea has no runner list here: the scope is misspelt or hidden from the token, or Gitea is older than 1.24'
