import type { Context, Hono } from 'hono'
import type { Hook } from '../state.ts'
import { objectOf, record, text, texts } from './body.ts'
import type { Asker } from './github-access.ts'
import { configJson, hookJson, organizationJson, repositoryJson, senderJson } from './github-payload.ts'
import { hookPlaces, linkHeader, paging, within, withOne } from './github-scope.ts'
import { pageOf } from './paging.ts'
import type { Site } from './site.ts'

const known = new Set([
  ...['*', 'check_run', 'check_suite', 'create', 'delete', 'fork', 'issues', 'issue_comment', 'push', 'pull_request'],
  ...['pull_request_review', 'release', 'repository', 'status', 'workflow_dispatch', 'workflow_job', 'workflow_run'],
])

/** Webhooks of repositories and organizations; an enterprise has none over REST. */
export function mountHooks(api: Hono<Asker>, site: Site): void {
  const { hooks } = site.forge
  for (const { base, level } of hookPlaces) {
    const hookAt = (answer: (c: Context, hook: Hook) => Response | Promise<Response>) =>
      withOne(site, level, (scope, id) => hooks.find(scope, Number(id)), answer)

    api.get(
      `${base}/hooks`,
      within(site, level, (c, scope) => {
        const page = pageOf(c, hooks.of(scope), paging)
        return c.json(
          page.items.map((hook) => hookJson(site, hook)),
          200,
          linkHeader(page),
        )
      }),
    )
    api.post(
      `${base}/hooks`,
      within(site, level, async (c, scope) => {
        const body = await objectOf(c)
        const config = record(body.config)
        const events = texts(body.events) ?? ['push']
        if (!text(config.url)) return invalid(c, 'url cannot be blank')
        if (level === 'organization' && body.name !== 'web') return invalid(c, 'name must be web')
        const strange = events.find((event) => !known.has(event))
        if (strange !== undefined) return invalid(c, `The event ${strange} is not supported`)
        const twin = hooks.of(scope).some((hook) => hook.url === config.url && String(hook.events) === String(events))
        if (twin) return invalid(c, `Hook already exists on this ${level}`)
        const hook = hooks.create({
          scope,
          type: 'web',
          url: text(config.url),
          contentType: config.content_type === 'json' ? 'json' : 'form',
          secret: text(config.secret),
          events,
          active: body.active !== false,
          branchFilter: '',
          authorizationHeader: '',
          template: false,
        })
        ping(site, hook)
        return c.json(hookJson(site, hook), 201)
      }),
    )
    api.get(
      `${base}/hooks/:id`,
      hookAt((c, hook) => c.json(hookJson(site, hook))),
    )
    api.patch(
      `${base}/hooks/:id`,
      hookAt(async (c, hook) => {
        const body = await objectOf(c)
        const events = texts(body.events) ?? hook.events
        const added = texts(body.add_events) ?? []
        const removed = texts(body.remove_events) ?? []
        // A config that does not say the secret takes it away.
        const config = body.config === undefined ? {} : configOf(hook, { secret: '', ...record(body.config) })
        hooks.change(hook, {
          ...config,
          events: [...new Set([...events, ...added])].filter((event) => !removed.includes(event)),
          active: typeof body.active === 'boolean' ? body.active : hook.active,
        })
        return c.json(hookJson(site, hook))
      }),
    )
    api.delete(
      `${base}/hooks/:id`,
      hookAt((c, hook) => {
        hooks.remove(hook)
        return c.body(null, 204)
      }),
    )
    api.get(
      `${base}/hooks/:id/config`,
      hookAt((c, hook) => c.json(configJson(hook))),
    )
    // Here what is not said stays as it is.
    api.patch(
      `${base}/hooks/:id/config`,
      hookAt(async (c, hook) => {
        hooks.change(hook, configOf(hook, await objectOf(c)))
        return c.json(configJson(hook))
      }),
    )
    api.post(
      `${base}/hooks/:id/pings`,
      hookAt((c, hook) => {
        ping(site, hook)
        return c.body(null, 204)
      }),
    )
  }
}

function configOf(hook: Hook, config: Record<string, unknown>): Pick<Hook, 'url' | 'contentType' | 'secret'> {
  const type = config.content_type
  return {
    url: text(config.url, hook.url),
    contentType: type === 'json' || type === 'form' ? type : hook.contentType,
    secret: text(config.secret, hook.secret),
  }
}

function ping(site: Site, hook: Hook): void {
  const { owner, name } = hook.scope
  const repository = site.forge.repository(owner ?? '', name ?? '')
  const home = [...site.forge.ground.repositories.values()].find((one) => one.owner === owner)
  const payload = () => ({
    zen: 'Keep it logically awesome.',
    hook_id: hook.id,
    hook: hookJson(site, hook),
    ...(repository && { repository: repositoryJson(site, repository) }),
    ...(!repository && home && { organization: organizationJson(site, home) }),
    sender: senderJson(site),
  })
  site.forge.hooks.send(hook, { event: 'ping', action: null, jobId: null, payload })
}

function invalid(c: Context, message: string): Response {
  const errors = [{ resource: 'Hook', code: 'custom', message }]
  return c.json({ message: 'Validation Failed', errors, documentation_url: '' }, 422)
}
