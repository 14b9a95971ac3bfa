import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { haveSpecs, readSpec } from '../../support/specs.ts'
import { everything, isDescribed, levels, staleHook } from '../own-server/world.ts'
import { aJob, aRunner, base, type ForgejoVersion, forgejoVersions, open } from './world.ts'

function aForge(version: ForgejoVersion, scope: Scope) {
  const jobs = [aJob(), aJob({ id: 2, runs_on: null }), aJob({ id: 3, status: 'running', task_id: 5 })]
  const state = { hooks: [{ ...staleHook }] }
  return open({ version, scope, jobs, runners: [aRunner()], repositories: { 7: 'acme/widgets' }, state })
}

describe.skipIf(!haveSpecs)("by Forgejo's own description of its API", () => {
  test.each(forgejoVersions)('all that is said between v%i and us is right, at every level', async (version) => {
    // The description of v16 is not at hand; what we use of it is what v17-dev has.
    const spec = readSpec(version >= 16 ? 'forgejo-17-dev' : `forgejo-${version}`, base)
    for (const scope of levels) {
      const seen = await exchangesOf(() => everything(aForge(version, scope)))
      expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['GET', 'POST', 'PATCH', 'DELETE']))
      const violations = seen.filter(isDescribed).flatMap((exchange) => spec.violations(exchange))
      expect(violations).toEqual([])
    }
  })
})
