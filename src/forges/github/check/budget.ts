import { type Finding, good, note, warning } from '../../../core/finding.ts'
import { reserveOf } from '../limits.ts'
import { perPage } from '../pages.ts'
import { isLive } from '../repositories.ts'
import { openStatuses } from '../runs.ts'
import type { CheckedScope } from './check.ts'

/** What GitHub lets through in an hour before its secondary limit (900 points a minute), of which we keep to 800. */
const readsAnHour = 800 * 60

/** Requests an hour, by what a look costs: a list of runs for each repository and status, the repositories and the runners. */
export function checkBudget({ api, repositories, query, scope }: CheckedScope): Finding[] {
  const { quota } = api.told
  const { polling, reconciling } = query.looksPerHour
  const live = repositories?.filter(isLive).length ?? 0
  const pages = scope.level === 'organization' ? Math.ceil((repositories?.length ?? 0) / perPage) || 1 : 0
  const whole = Math.round(polling * (live * openStatuses.length + pages + 1))
  // Deliveries and runners with each beat; once an hour the hooks, the repositories and one list of runs.
  const quiet = Math.round(reconciling * 2 + 2 + pages)
  const costs = `${whole} requests an hour while polling, of which only changed answers count, and about ${quiet} with webhooks`
  if (whole > readsAnHour) {
    const fix = 'raise poll_interval, use webhooks, or narrow the scope'
    return [
      warning(
        'rate_budget',
        `${costs}: GitHub lets ${readsAnHour} through, so looks will take longer than poll_interval`,
        fix,
      ),
    ]
  }
  if (quota === null) return [good('rate_budget', `${costs}; this server tells of no rate limit`)]
  const { limit, remaining } = quota
  const left = `${limit} an hour, ${remaining} left, ${reserveOf(limit)} kept for registrations`
  if (remaining <= reserveOf(limit)) {
    const until = new Date(quota.resetAt).toISOString()
    const fix = 'see what else uses this token, give Muster one of its own, or use a GitHub App'
    return [warning('rate_budget', `the quota is used up until ${until} (${left})`, fix)]
  }
  const finding = whole > limit ? note : good
  return [finding('rate_budget', `${costs}; the quota is ${left}`)]
}
