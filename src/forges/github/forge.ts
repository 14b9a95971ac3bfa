import type { LabelRules } from '../../core/labels.ts'
import { readDelivery } from '../delivery.ts'
import type { Capabilities, Forge, ForgeContext, ForgeType } from '../forge.ts'
import { createGithubApi } from './client.ts'
import { ensureHook } from './hooks.ts'
import { listJobs } from './jobs.ts'
import type { GithubOptions } from './options.ts'
import { placeOf } from './place.ts'
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

/** github.com, *.ghe.com and Enterprise Server, with a personal access token. */
export const github: ForgeType<GithubOptions> = {
  kind: 'github',
  labels,
  levels: ['repository', 'organization', 'enterprise'],
  create: createGithub,
}

function createGithub(options: GithubOptions, { scope, secrets, clock, onCall, note }: ForgeContext): Forge {
  const api = createGithubApi(options, { clock, onCall })
  const place = placeOf(scope)
  const skipped = new Set<string>()

  const forge: Forge = {
    kind: 'github',
    labels,
    rounds: { requeue: 'late' },
    read: (delivery) =>
      readDelivery(delivery, { secrets: secrets(), idHeaders }, (event, body) => readEvent(event, body, scope)),
    async probe(signal): Promise<Capabilities> {
      const { value } = await api.call({ path: '/meta', answer: meta, needs: null }, signal)
      const belowEnterprise = scope.level !== 'enterprise'
      return {
        version: value.installed_version ?? options.baseUrl.hostname,
        jobs: belowEnterprise,
        runners: true,
        jobEvents: true,
        hooks: belowEnterprise,
      }
    },
    jobs: (_, signal) => listJobs({ api, signal, onSkip }, scope),
    runners: (signal) => listRunners(api, place, signal),
    register: (request, signal) => registerRunner(api, place, request, options.baseUrl, signal),
    unregister: ({ id }, signal) => removeRunner(api, place, id, signal),
  }
  // An enterprise's webhooks can only be made by hand.
  if (place.needs.hooks === null) return forge
  return { ...forge, ensureHook: (wish, signal) => ensureHook(api, place, wish, signal) }

  /** Told once, not with every look. */
  function onSkip(repository: string, why: Error) {
    if (skipped.has(repository)) return
    skipped.add(repository)
    note(`the jobs of ${repository} cannot be listed, so no look at the organization is complete: ${why.message}`)
  }
}
