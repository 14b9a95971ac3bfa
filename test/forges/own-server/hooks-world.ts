import { type HttpHandler, HttpResponse, http } from 'msw'
import type { WorldHook } from '../contract.ts'

/** One numbered page; like the server, it gives no more than its own cap, whatever was asked. */
export function paged<Row>(request: Request, rows: readonly Row[], cap: number): Row[] {
  const asked = new URL(request.url).searchParams
  const limit = Math.min(Number(asked.get('limit') ?? cap) || cap, cap)
  const start = (Math.max(Number(asked.get('page') ?? 1), 1) - 1) * limit
  return rows.slice(start, start + limit)
}

/** Answers only those who have the token, as the forge would. */
export function guarded(token: string) {
  return (request: Request, answer: () => Response | Promise<Response>) =>
    request.headers.get('authorization') === `token ${token}`
      ? answer()
      : HttpResponse.json({ message: 'invalid username, password or token' }, { status: 401 })
}

export interface HooksWorld {
  /** The address of the scope, such as `https://gitea.example/api/v1/repos/acme/widgets`. */
  root: string
  token: string
  hooks: WorldHook[]
  /** A hook as the forge answers it, with nothing special about it. */
  shape: object
  /** The events that this version knows, and those of them that an edit cannot change. */
  events: readonly string[]
  uneditable: readonly string[]
  cap: number
  /** The level of the instance: its hooks are the system hooks, which is not what is made unless one says so. */
  admin?: boolean
  /** The list has pages and counts itself. Default true. */
  paged?: boolean
  /** The header that a hook sends along is never shown. Default false. */
  hidesHeader?: boolean
}

interface HookBody {
  type?: string
  config?: Record<string, string>
  events?: string[]
  active?: boolean
  authorization_header?: string
}

/** The hooks API that Forgejo and Gitea share, with its traps: see `src/forges/hooks.ts`. */
export function hookHandlers(world: HooksWorld): HttpHandler[] {
  const {
    root,
    token,
    hooks,
    shape,
    events,
    uneditable,
    cap,
    admin = false,
    paged: inPages = true,
    hidesHeader,
  } = world
  const guard = guarded(token)
  const shown = ({ id, url, active, events, contentType = 'json', header = '' }: WorldHook) => {
    const twice = Object.hasOwn(shape, 'url') ? { url, content_type: contentType } : {}
    const authorization_header = hidesHeader ? '' : header
    return { ...shape, ...twice, id, active, events, authorization_header, config: { url, content_type: contentType } }
  }
  const listed = () => hooks.filter(({ template = false }) => !template)
  const chosen = (wanted: string[] = []) =>
    events.filter((event) => (wanted.length > 0 ? wanted : ['push']).includes(event))
  const one = (id: unknown) => hooks.find((hook) => hook.id === Number(id))
  const missing = () => HttpResponse.json({ message: 'not found' }, { status: 404 })

  return [
    http.get(`${root}/hooks`, ({ request }) =>
      guard(request, () =>
        inPages
          ? HttpResponse.json(paged(request, listed(), cap).map(shown), {
              headers: { 'x-total-count': String(listed().length) },
            })
          : HttpResponse.json(listed().map(shown)),
      ),
    ),
    http.post(`${root}/hooks`, ({ request }) =>
      guard(request, async () => {
        const { type, config = {}, ...body } = (await request.json()) as HookBody
        if (!type || !config.url || !config.content_type)
          return HttpResponse.json({ message: 'Missing config option' }, { status: 422 })
        const made: WorldHook = {
          id: Math.max(0, ...hooks.map(({ id }) => id)) + 1,
          url: config.url,
          secret: config.secret ?? '',
          active: body.active ?? false,
          events: chosen(body.events),
          contentType: config.content_type,
          header: body.authorization_header ?? '',
          template: admin && config.is_system_webhook !== 'true',
        }
        hooks.push(made)
        return HttpResponse.json(shown(made), { status: 201 })
      }),
    ),
    http.patch(`${root}/hooks/:id`, ({ request, params }) =>
      guard(request, async () => {
        const hook = one(params.id)
        if (!hook) return missing()
        const body = (await request.json()) as HookBody
        if (body.config?.url) hook.url = body.config.url
        const fixed = hook.events.filter((event) => uneditable.includes(event))
        hook.events = [...chosen(body.events).filter((event) => !uneditable.includes(event)), ...fixed]
        if (body.active !== undefined) hook.active = body.active
        if (body.config?.content_type) hook.contentType = body.config.content_type
        hook.header = body.authorization_header ?? ''
        return HttpResponse.json(shown(hook))
      }),
    ),
    http.delete(`${root}/hooks/:id`, ({ request, params }) =>
      guard(request, () => {
        const hook = one(params.id)
        if (!hook) return missing()
        hooks.splice(hooks.indexOf(hook), 1)
        return new HttpResponse(null, { status: 204 })
      }),
    ),
  ]
}
