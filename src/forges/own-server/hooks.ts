import { z } from 'zod'
import type { Scope } from '../../core/scope.ts'
import { unlessAbsent } from '../absent.ts'
import type { ForgeApi } from '../api.ts'
import { ForgeError, ForgeMisshapen, ForgeRefused } from '../errors.ts'
import type { HookState, HookWish } from '../forge.ts'
import { allPages, type Listed, perPage, totalCount } from './pages.ts'
import { allowance } from './receiver.ts'
import { scopePath } from './scope-path.ts'

const hook = z.object({
  id: z.int().transform(String),
  active: z.boolean(),
  events: z
    .array(z.string())
    .nullable()
    .transform((events) => events ?? []),
  config: z.object({ url: z.string().default(''), content_type: z.string().default('') }),
  branch_filter: z.string().default(''),
  authorization_header: z.string().default(''),
})
const hooks = z
  .array(hook)
  .nullable()
  .transform((rows) => rows ?? [])

export type Hook = z.output<typeof hook>

interface Place {
  api: ForgeApi
  scope: Scope
}

export interface HooksOptions extends Place {
  forge: 'forgejo' | 'gitea'
  /** The events that a hook of this forge needs, besides those that the configuration wishes. */
  events: readonly string[]
}

/** True where hooks can be had at all: 403 is an administrator who switched webhooks off, or a token that may not. */
export async function listsHooks({ api, scope }: Place, signal: AbortSignal): Promise<boolean> {
  const path = `${scopePath(scope)}/hooks`
  return (await unlessAbsent(api.call({ path, query: { limit: 1 }, answer: hooks }, signal), [403, 404, 405])) !== null
}

/**
 * The hooks with this URL, all pages. At the level of an instance these are the system hooks; Gitea's default hooks, templates that new
 * repositories copy, are in a list of their own (`?type=default`), and Forgejo lists none.
 */
export async function hooksWith(url: string, { api, scope }: Place, signal: AbortSignal): Promise<Listed<Hook>> {
  const path = `${scopePath(scope)}/hooks`
  try {
    const { complete, rows } = await allPages(async (page) => {
      const answer = await api.call({ path, query: { page, limit: perPage }, answer: hooks }, signal)
      return { rows: answer.value, total: totalCount(answer) }
    })
    return { complete, rows: rows.filter(({ config }) => sameUrl(config.url, url)) }
  } catch (error) {
    throw inPlainWords(error)
  }
}

/** Both forges answer 403 to all of the hooks API where an administrator switched webhooks off. */
function inPlainWords(error: unknown): unknown {
  const off = error instanceof ForgeRefused && error.status === 403 && /webhooks disabled/i.test(error.detail)
  return off ? new ForgeRefused(error.call, error.status, `${error.detail}: ${hooksOff}`) : error
}

const hooksOff = 'there are none while its app.ini has [security] DISABLE_WEBHOOKS = true'

/**
 * Keeps one webhook in the hooks API that Forgejo and Gitea share (`/api/v1/…/hooks`). Its traps: a secret can neither be
 * read nor changed, unknown events are dropped without a word, `active` is off by default, and an edit that leaves the
 * events out resets them to `push`.
 */
export function createHooks({ api, scope, forge, events: always }: HooksOptions) {
  const path = `${scopePath(scope)}/hooks`
  /** What the forge dropped when it was last asked by this process, so that it is not asked with every look. */
  let dropped: ReadonlySet<string> = new Set()

  /** None is an answer only when all could be seen. */
  async function ourOwn({ url }: HookWish, signal: AbortSignal): Promise<readonly Hook[]> {
    const { complete, rows } = await hooksWith(url, { api, scope }, signal)
    if (rows.length === 0 && !complete) throw new ForgeMisshapen(`GET ${path}`, 'it counts more webhooks than it lists')
    return rows
  }

  async function create(wish: HookWish, events: readonly string[], signal: AbortSignal): Promise<Hook> {
    const config: Record<string, string> = { url: wish.url, content_type: wish.contentType, secret: wish.secret }
    // Without it an administrator's hook is a template that new repositories copy.
    if (scope.level === 'instance') config.is_system_webhook = 'true'
    const json = { type: 'gitea', config, events, active: wish.active }
    return (await api.call({ method: 'POST', path, json, answer: hook }, signal)).value
  }

  async function repair(known: Hook, wish: HookWish, events: readonly string[], signal: AbortSignal): Promise<Hook> {
    const json = {
      config: { url: wish.url, content_type: wish.contentType },
      events,
      active: wish.active,
      // Left out, they would be cleared. Newer Gitea (1.27) shows the header to nobody, so there an edit clears it all the same.
      branch_filter: known.branch_filter,
      authorization_header: known.authorization_header,
    }
    return (await api.call({ method: 'PATCH', path: `${path}/${known.id}`, json, answer: hook }, signal)).value
  }

  /** Removes surplus hooks with our URL; what cannot be removed now is tried again with the next call. */
  async function remove(surplus: readonly Hook[], signal: AbortSignal): Promise<string[]> {
    const notes: string[] = []
    for (const { id } of surplus) {
      try {
        await unlessAbsent(api.call({ method: 'DELETE', path: `${path}/${id}`, answer: z.unknown() }, signal))
      } catch (error) {
        if (!(error instanceof ForgeError)) throw error
        notes.push(`a second webhook with our URL (id ${id}) could not be removed: ${error.message}`)
      }
    }
    return notes
  }

  return {
    /** See `Forge.ensureHook`. */
    async ensure(wish: HookWish, signal: AbortSignal): Promise<HookState> {
      const events = [...new Set([...wish.events, ...always])]
      const ours = await ourOwn(wish, signal)
      const kept = wish.known?.secretFits ? ours.find(({ id }) => id === wish.known?.id) : undefined
      // A new one comes before the old ones go, so that no delivery falls between them.
      const current =
        kept && isRight(kept) ? kept : await (kept ? repair(kept, wish, events, signal) : create(wish, events, signal))
      const lacking = events.filter((event) => !current.events.includes(event))
      if (current !== kept) dropped = new Set(lacking)
      const surplus = ours.filter(({ id }) => id !== current.id)
      const notes = await remove(surplus, signal)
      if (current !== kept) notes.push(...told(current, lacking))
      const hint = allowance(wish.url, forge)
      if (kept === undefined && hint) notes.push(hint)
      return { id: current.id, done: done(), events: current.events, notes }

      function isRight(known: Hook): boolean {
        const complete = events.every((event) => known.events.includes(event) || dropped.has(event))
        return complete && known.active === wish.active && known.config.content_type === wish.contentType
      }

      function done(): HookState['done'] {
        if (kept === undefined) return ours.length > 0 ? 'replaced' : 'created'
        return surplus.length === 0 && sameHook(kept, current) ? 'kept' : 'repaired'
      }
    },
  }
}

function told(current: Hook, lacking: readonly string[]): string[] {
  const notes: string[] = []
  if (lacking.length > 0) notes.push(`this version of the forge dropped the events ${lacking.join(', ')}`)
  if (!current.active) notes.push('the webhook is not active: set webhook.active to true to get deliveries')
  return notes
}

/** The same address: scheme and host are compared without case, all else exactly. */
function sameUrl(one: string, other: string): boolean {
  return normal(one) === normal(other)
}

function normal(text: string): string {
  return URL.parse(text)?.href ?? text
}

function sameHook(one: Hook, other: Hook): boolean {
  const events = new Set(one.events)
  return (
    one.active === other.active &&
    one.config.content_type === other.config.content_type &&
    events.size === new Set(other.events).size &&
    other.events.every((event) => events.has(event))
  )
}
