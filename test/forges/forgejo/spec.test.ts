import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import { aJob, aRunner, base, type ForgejoVersion, forgejoVersions, open, repository } from './world.ts'

const levels: Scope[] = [
  repository,
  { level: 'organization', owner: 'acme', name: null },
  { level: 'user', owner: 'acme', name: null },
  { level: 'instance', owner: null, name: null },
]
const wish = {
  url: 'https://muster.example/webhook/main',
  secret: 's',
  events: ['workflow_job'],
  contentType: 'json',
  active: true,
} as const

/** Everything that we ever ask, at one level. */
async function everything(version: ForgejoVersion, scope: Scope): Promise<void> {
  const { signal } = new AbortController()
  const jobs = [aJob(), aJob({ id: 2, runs_on: null }), aJob({ id: 3, status: 'running', task_id: 5 })]
  const stale = { id: 9, url: wish.url, secret: 'old', active: true, events: ['push'] }
  const repositories = { 7: 'acme/widgets' }
  const forge = open({ version, scope, jobs, runners: [aRunner()], repositories, state: { hooks: [stale] } })
  await forge.probe(signal)
  await forge.jobs({ labels: ['linux'] }, signal)
  await forge.runners(signal)
  await forge.register({ name: 'muster-1', labels: ['linux'], handle: null }, signal)
  const hook = await forge.ensureHook?.({ ...wish, known: null }, signal)
  await forge.ensureHook?.({ ...wish, active: false, known: { id: hook?.id ?? '', secretFits: true } }, signal)
  await forge.unregister({ id: '3', name: 'runner-3' }, signal)
}

describe.skipIf(!haveSpecs)("by Forgejo's own description of its API", () => {
  test.each(forgejoVersions)('all that is said between v%i and us is right, at every level', async (version) => {
    const spec = readSpec(version === 17 ? 'forgejo-17-dev' : `forgejo-${version}`, base)
    for (const scope of levels) {
      const seen = await exchangesOf(() => everything(version, scope))
      expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['GET', 'POST', 'PATCH', 'DELETE']))
      // Repositories are not in the part of the description that is kept here.
      const described = seen.filter(({ url }) => !url.pathname.includes('/repositories/'))
      expect(described.flatMap((exchange) => spec.violations(exchange))).toEqual([])
    }
  })
})
