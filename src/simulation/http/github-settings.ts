import type { Hono } from 'hono'
import type { Asker } from './github-access.ts'
import type { GithubHost } from './github-host.ts'
import { notFound, within } from './github-scope.ts'
import type { Site } from './site.ts'

/** What an administrator has set about self-hosted runners. */
export function mountSettings(api: Hono<Asker>, site: Site, host: GithubHost): void {
  api.get(
    '/orgs/:owner/actions/runner-groups/:id',
    within(site, 'organization', (c, { owner }) =>
      c.req.param('id') === '1'
        ? c.json({
            id: 1,
            name: 'Default',
            visibility: 'all',
            default: true,
            runners_url: `${site.url}/api/v3/orgs/${owner}/actions/runner-groups/1/runners`,
            inherited: false,
            allows_public_repositories: host.groupAllowsPublic,
            restricted_to_workflows: false,
            selected_workflows: [],
          })
        : notFound(c),
    ),
  )
  for (const [base, level] of [
    ['/repos/:owner/:name', 'repository'],
    ['/orgs/:owner', 'organization'],
  ] as const) {
    api.get(
      `${base}/actions/permissions/fork-pr-contributor-approval`,
      within(site, level, (c) => c.json({ approval_policy: host.approvalPolicy })),
    )
  }
}
