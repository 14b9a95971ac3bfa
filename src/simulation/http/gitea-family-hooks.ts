import type { Context, Hono } from 'hono'
import type { Scope } from '../../core/scope.ts'
import type { Hook, Run } from '../state.ts'
import type { ForgeVersion } from '../versions.ts'
import { objectOf, record, text, texts } from './body.ts'
import { countHeaders, goTime, paging, places, within, withOne } from './gitea-family.ts'
import { pushJson } from './gitea-family-payload.ts'
import { pageOf } from './paging.ts'
import type { Site } from './site.ts'

const common = [
  ...['create', 'delete', 'fork', 'push', 'issues', 'issue_assign', 'issue_label', 'issue_milestone', 'issue_comment'],
  ...['pull_request', 'pull_request_assign', 'pull_request_label', 'pull_request_milestone', 'pull_request_comment'],
  ...['pull_request_review_approved', 'pull_request_review_rejected', 'pull_request_review_comment'],
  ...['pull_request_sync', 'pull_request_review_request', 'wiki', 'repository', 'release', 'package'],
]
const ended = ['action_run_success', 'action_run_failure', 'action_run_recover']
const perStatus = ['blocked', 'cancelled', 'failure', 'running', 'skipped', 'success', 'waiting']

/** The events that a version keeps; others are dropped without a word. */
export function knownEvents(of: ForgeVersion): readonly string[] {
  switch (of.kind) {
    case 'forgejo':
      return [
        ...common,
        ...(of.version >= 12 ? ended : []),
        ...(of.jobEvents ? perStatus.map((status) => `workflow_job_${status}`) : []),
      ]
    case 'gitea':
      return [...common, 'status', 'workflow_job', ...(of.version === '1.24' ? [] : ['workflow_run'])]
    case 'github':
      return []
  }
}

/** `/hooks` at every place: one code base in Forgejo and Gitea, with its traps. */
export function mountHooks(api: Hono, site: Site): void {
  const { forge } = site
  const known = knownEvents(forge.version)
  const kept = (events: string[] | null) =>
    events === null || events.length === 0 ? ['push'] : known.filter((event) => events.includes(event))

  for (const { base, level } of places) {
    const hookAt = (answer: (c: Context, hook: Hook, scope: Scope) => Response | Promise<Response>) =>
      withOne(site, level, (scope, id) => forge.hooks.find(scope, Number(id)), answer)

    api.get(
      `${base}/hooks`,
      within(site, level, (c, scope) => {
        const wanted = (forge.version.kind === 'gitea' && c.req.query('type')) || 'system'
        const listed = forge.hooks
          .of(scope)
          .filter(({ template }) => level !== 'instance' || wanted === 'all' || template === (wanted === 'default'))
        const page = pageOf(c, listed, paging(site))
        return c.json(
          page.items.map((hook) => hookJson(site, hook)),
          200,
          countHeaders(page),
        )
      }),
    )

    api.post(
      `${base}/hooks`,
      within(site, level, async (c, scope) => {
        const body = await objectOf(c)
        const config = record(body.config)
        if (!['gitea', 'gogs', ...(forge.version.kind === 'forgejo' ? ['forgejo'] : [])].includes(text(body.type))) {
          return c.json({ message: `Invalid hook type: ${text(body.type)}`, url: '' }, 422)
        }
        for (const key of ['url', 'content_type']) {
          if (!text(config[key])) return c.json({ message: `Missing config option: ${key}`, url: '' }, 422)
        }
        if (!['json', 'form'].includes(text(config.content_type))) {
          return c.json({ message: 'Invalid content type', url: '' }, 422)
        }
        const hook = forge.hooks.create({
          scope,
          type: text(body.type),
          url: text(config.url),
          contentType: config.content_type === 'form' ? 'form' : 'json',
          secret: text(config.secret),
          events: kept(texts(body.events)),
          active: body.active === true,
          branchFilter: text(body.branch_filter),
          authorizationHeader: text(body.authorization_header),
          template: level === 'instance' && config.is_system_webhook !== 'true',
        })
        return c.json(hookJson(site, hook), 201)
      }),
    )

    api.get(
      `${base}/hooks/:id`,
      hookAt((c, hook) => c.json(hookJson(site, hook))),
    )

    // Everything that is not said again is reset; the secret is not changed even when it is said.
    api.patch(
      `${base}/hooks/:id`,
      hookAt(async (c, hook) => {
        const body = await objectOf(c)
        const config = record(body.config)
        // Forgejo's edit does not know these flags: they stay as they were.
        const deaf = forge.version.kind === 'forgejo' ? ['package', ...ended] : []
        const events = kept(texts(body.events)).filter((event) => !deaf.includes(event))
        forge.hooks.change(hook, {
          url: text(config.url, hook.url),
          contentType:
            config.content_type === 'form' || config.content_type === 'json' ? config.content_type : hook.contentType,
          events: [...events, ...hook.events.filter((event) => deaf.includes(event))],
          active: typeof body.active === 'boolean' ? body.active : hook.active,
          branchFilter: text(body.branch_filter),
          authorizationHeader: text(body.authorization_header),
        })
        return c.json(hookJson(site, hook))
      }),
    )

    api.delete(
      `${base}/hooks/:id`,
      hookAt((c, hook) => {
        forge.hooks.remove(hook)
        return c.body(null, 204)
      }),
    )

    if (level === 'repository') {
      // There is no ping: the test is a push. Up to Gitea 1.27 it reaches only hooks that asked for pushes, whatever the answer says.
      api.post(
        `${base}/hooks/:id/tests`,
        hookAt((c, hook, scope) => {
          const heard = forge.version.kind === 'forgejo' || hook.events.includes('push')
          const repository = forge.repository(scope.owner ?? '', scope.name ?? '')
          if (heard && repository) {
            const now = forge.ground.clock.now()
            const commit = forge.ground.token()
            const run: Run = { ...testRun, repository, commit, createdAt: now }
            const payload = () => pushJson(site, run)
            forge.hooks.send(hook, { event: 'push', action: null, jobId: null, payload })
          }
          return c.body(null, 204)
        }),
      )
    }
  }
}

const testRun = { id: 0, workflow: 'test', group: null, event: 'push', attempt: 1, completedAt: null }

/** The secret is never told again. */
function hookJson(site: Site, hook: Hook) {
  const forgejo = site.forge.version.kind === 'forgejo'
  return {
    id: hook.id,
    type: hook.type,
    branch_filter: hook.branchFilter,
    config: { content_type: hook.contentType, url: hook.url },
    events: hook.events,
    authorization_header: hook.authorizationHeader,
    active: hook.active,
    updated_at: goTime(hook.updatedAt),
    created_at: goTime(hook.createdAt),
    ...(forgejo && { url: hook.url, content_type: hook.contentType, metadata: null }),
  }
}
