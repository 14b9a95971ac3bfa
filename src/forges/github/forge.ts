import type { LabelRules } from '../../core/labels.ts'
import { readDelivery } from '../delivery.ts'
import type { Capabilities, Forge, ForgeContext, ForgeType } from '../forge.ts'
import { checkGithub } from './check/check.ts'
import { createGithubApi } from './client.ts'
import { tokenCredential } from './credential.ts'
import { ensureHook } from './hooks.ts'
import { appCredential } from './installation.ts'
import { createJobLists } from './jobs.ts'
import type { GithubOptions } from './options.ts'
import { placeOf } from './place.ts'
import { recoverDeliveries, retentions } from './recovery.ts'
import { listRunners, registerRunner, removeRunner, selfHosted } from './runners.ts'
import { meta } from './schema.ts'
import { idHeaders, readEvent } from './webhook.ts'

const labels: LabelRules = {
  foldCase: true,
  cutSchemes: false,
  implied: [selfHosted],
  // `runs-on: { group: … }` asks for no label, and its event does not name the group: only a target that says so takes such jobs.
  unlabelled: 'anywhere',
  hostedUnless: selfHosted,
}

/** github.com, *.ghe.com and Enterprise Server, with a personal access token or as a GitHub App. */
export const github: ForgeType<GithubOptions> = {
  kind: 'github',
  labels,
  levels: ['repository', 'organization', 'enterprise'],
  create: createGithub,
}

function createGithub(options: GithubOptions, context: ForgeContext): Forge {
  const { scope, secrets, clock, note } = context
  const place = placeOf(scope)
  const app = options.app && appCredential(options, options.app, place, context)
  const api = createGithubApi(options, app ?? tokenCredential(options.token), context)
  const skipped = new Set<string>()
  // What is believed until the host told: too short a time costs a look too many.
  let retention: number = retentions.hosted
  const listJobs = createJobLists({ api, scope, clock, onSkip })

  const forge: Forge = {
    kind: 'github',
    labels,
    rounds: { requeue: 'late' },
    read: (delivery) =>
      readDelivery(delivery, { secrets: secrets(), idHeaders }, (event, body) => readEvent(event, body, scope)),
    async probe(signal): Promise<Capabilities> {
      const { value } = await api.call({ path: '/meta', answer: meta, needs: null }, signal)
      retention = value.installed_version ? retentions.server : retentions.hosted
      const belowEnterprise = scope.level !== 'enterprise'
      return {
        version: value.installed_version ?? options.baseUrl.hostname,
        jobs: belowEnterprise,
        runners: true,
        jobEvents: true,
        hooks: belowEnterprise,
        registration: 'each',
        recovers: belowEnterprise,
      }
    },
    jobs: listJobs,
    runners: (signal) => listRunners(api, place, signal),
    register: (request, signal) => registerRunner(api, place, request, options.baseUrl, signal),
    unregister: ({ id }, signal) => removeRunner(api, place, id, signal),
    check(query, signal) {
      const classic = () => !options.token.reveal().startsWith('github_pat_')
      return checkGithub({ api, place, scope, app, classic, probe: () => forge.probe(signal), signal }, query)
    },
  }
  // An enterprise's webhooks can only be made by hand, and nobody can read their deliveries.
  if (place.needs.hooks === null) return forge
  return {
    ...forge,
    ensureHook: (wish, signal) => ensureHook(api, place, wish, signal),
    recover(query, signal) {
      const now = () => clock.now() + (api.told.ahead ?? 0)
      return recoverDeliveries({ api, place, scope, now, retention, signal }, query)
    },
  }

  /** Told once, not with every look. */
  function onSkip(repository: string, why: Error) {
    if (skipped.has(repository)) return
    skipped.add(repository)
    note(`the jobs of ${repository} cannot be listed, so no look at the organization is complete: ${why.message}`)
  }
}
