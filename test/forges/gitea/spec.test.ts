import { describe, expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import { exchangesOf } from '../../support/exchanges.ts'
import { type Exchange, haveSpecs, readSpec } from '../../support/specs.ts'
import { everything, isDescribed, levels, staleHook } from '../own-server/world.ts'
import { aJob, aRunner, base, type GiteaVersion, giteaVersions, open } from './world.ts'

function aForge(version: GiteaVersion, scope: Scope) {
  const jobs = [aJob(), aJob({ id: 2, labels: null }), aJob({ id: 3, status: 'in_progress', runner_name: 'r' })]
  return open({ version, scope, jobs, runners: [aRunner()], state: { hooks: [{ ...staleHook }] } })
}

/**
 * Left out of Gitea's own descriptions, and there: its lists of runners have pages, too, and at each level 1.27 refuses an order that it
 * does not know. Up to 1.26 we ask for one to see that there is none.
 */
const undescribed = [
  /\/actions\/runners has no query parameter (?:page|limit)$/,
  /\/orgs\/acme\/actions\/jobs never answers 422$/,
  /\/actions\/jobs has no query parameter sort$/,
]

describe.skipIf(!haveSpecs)("by Gitea's own description of its API", () => {
  test.each(giteaVersions)('all that is said between %s and us is right, at every level', async (version) => {
    const spec = readSpec(`gitea-${version}`, base)
    for (const scope of levels) {
      const seen = await exchangesOf(() => everything(aForge(version, scope)))
      const methods = new Set(seen.map(({ method }) => method))
      expect(methods).toEqual(new Set(['GET', 'POST', 'PATCH', 'DELETE']))
      const violations = seen.filter(isDescribed).flatMap((exchange) => spec.violations(exchange))
      expect(violations.filter((violation) => !undescribed.some((known) => known.test(violation)))).toEqual([])
    }
  })

  test('what is wrong is found', () => {
    const spec = readSpec('gitea-1.27', base)
    const exchange = (path: string, over: Partial<Exchange>): Exchange => ({
      method: 'GET',
      url: new URL(`${base}/api/v1/repos/a/b${path}`),
      sent: undefined,
      status: 200,
      answered: undefined,
      ...over,
    })
    const runners = { runners: [aRunner()], total_count: 1 }
    expect(spec.violations(exchange('/actions/runners', { answered: runners }))).toEqual([])
    const wrong: Exchange[] = [
      exchange('/actions/runners', { answered: [] }),
      exchange('/actions/runners', { answered: { ...runners, more: true } }),
      exchange('/actions/runners', { answered: runners, status: 202 }),
      exchange('/actions/jobs?labels=linux', { answered: { jobs: [], total_count: 0 } }),
      exchange('/actions/runners/jobs', { answered: [] }),
      exchange('/hooks', { method: 'POST', sent: { type: 'forgejo', config: {} }, status: 201, answered: {} }),
      exchange('/hooks', { method: 'POST', sent: { type: 'gitea', config: {}, evnts: [] }, status: 201, answered: {} }),
    ]
    expect(wrong.map((one) => spec.violations(one).length > 0)).toEqual(wrong.map(() => true))
  })
})
