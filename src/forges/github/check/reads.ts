import { type Finding, good, note } from '../../../core/finding.ts'
import { jobsNeed } from '../place.ts'
import { isLive } from '../repositories.ts'
import { newestRuns } from '../runs.ts'
import { runners } from '../schema.ts'
import type { CheckedScope } from './check.ts'
import { failed } from './failed.ts'

/** The list of runners: whoever may read it may mostly write it too, which cannot be tried without doing it. */
export async function checkRunners({ api, place, signal }: CheckedScope): Promise<Finding[]> {
  const needs = place.needs.runners
  try {
    const query = { per_page: 1 }
    const { value } = await api.call({ path: `${place.path}/actions/runners`, query, answer: runners, needs }, signal)
    return [good('runners', `${value.total_count} runners are registered`)]
  } catch (error) {
    return [failed('runners', error, needs)]
  }
}

/** The runs of one repository, the last pushed: what may be read of one may be read of all that are seen. */
export async function checkJobs({ api, repositories, signal }: CheckedScope): Promise<Finding[]> {
  if (repositories === null) return [note('jobs', 'jobs of an enterprise cannot be listed: only webhooks tell of them')]
  const newest = repositories.find(isLive)
  if (newest === undefined) return []
  try {
    const { total } = await newestRuns({ api, signal }, newest.full_name)
    return [good('jobs', `the runs of ${newest.full_name} can be read (${total})`)]
  } catch (error) {
    return [failed('jobs', error, jobsNeed)]
  }
}
