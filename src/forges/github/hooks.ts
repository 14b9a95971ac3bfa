import type { z } from 'zod'
import { type ForgeAnswer, path } from '../api.ts'
import { ForgeRefused } from '../errors.ts'
import type { HookState, HookWish } from '../forge.ts'
import type { GithubApi, GithubRequest } from './client.ts'
import { linkedPages, perPage } from './pages.ts'
import type { Place } from './place.ts'
import { anything, type Hook, hook, hooks } from './schema.ts'

/** The webhooks of one place, as one wish sees them. */
interface Desk {
  call<Schema extends z.ZodType>(request: Omit<GithubRequest<Schema>, 'needs'>): Promise<ForgeAnswer<z.output<Schema>>>
  find(): Promise<Hook[]>
  /** `/repos/o/r/hooks` or `/orgs/o/hooks`. */
  path: string
  wish: HookWish
  /** The wished events, the job event always among them: a hook without it would tell us nothing. */
  events: readonly string[]
}

/** Makes sure of exactly one webhook with our URL, signed with our secret. Hooks with another URL are other people's. */
export async function ensureHook(
  api: GithubApi,
  place: Place,
  wish: HookWish,
  signal: AbortSignal,
): Promise<HookState> {
  const told = wish.events.includes('workflow_job') || wish.events.includes('*')
  const desk: Desk = {
    call: (request) => api.call({ ...request, needs: place.needs.hooks }, signal),
    find: () => findHooks(api, place, wish.url, signal),
    path: `${place.path}/hooks`,
    wish,
    events: told ? wish.events : ['workflow_job', ...wish.events],
  }
  const [ours, ...doubles] = await findOurs(desk)
  if (ours === undefined) return create(desk)
  for (const double of doubles) await remove(desk, double)
  const state = await repairOrCreate(desk, ours)
  if (doubles.length === 0) return state
  const note = `removed ${doubles.length} more webhook(s) with our URL`
  return { ...state, done: 'repaired', notes: [...state.notes, note] }
}

/** The webhooks of a place with this URL, oldest first. */
export async function findHooks(api: GithubApi, place: Place, url: string, signal: AbortSignal): Promise<Hook[]> {
  const { rows } = await linkedPages((page) =>
    api.call(
      { path: `${place.path}/hooks`, query: { per_page: perPage, page }, answer: hooks, needs: place.needs.hooks },
      signal,
    ),
  )
  return rows.filter((one) => one.name === 'web' && sameUrl(one.config.url, url))
}

/** All hooks with our URL; the one that we know comes first. */
async function findOurs({ find, wish }: Desk): Promise<Hook[]> {
  const known = (one: Hook) => Number(one.id === wish.known?.id)
  return (await find()).sort((a, b) => known(b) - known(a))
}

async function create(desk: Desk): Promise<HookState> {
  const { call, path, wish, events } = desk
  try {
    const { value } = await call({
      method: 'POST',
      path,
      json: { name: 'web', active: wish.active, events, config: configOf(wish) },
      answer: hook,
    })
    return stateOf(desk, value, 'created')
  } catch (error) {
    if (!(error instanceof ForgeRefused) || error.status !== 422) throw error
    // "Hook already exists": somebody was faster with our URL, and what was written is ours to check.
    const [made] = await findOurs(desk)
    if (made === undefined) throw error
    return repair(desk, made)
  }
}

/** Somebody may remove it between our reading and our writing. */
async function repairOrCreate(desk: Desk, found: Hook): Promise<HookState> {
  try {
    return await repair(desk, found)
  } catch (error) {
    if (!(error instanceof ForgeRefused) || error.status !== 404) throw error
    return create(desk)
  }
}

async function repair(desk: Desk, found: Hook): Promise<HookState> {
  const { call, wish, events } = desk
  const secretFits = wish.known?.id === found.id && wish.known.secretFits && Boolean(found.config.secret)
  const misconfigured = !secretFits || !isOurConfig(found.config, wish)
  if (misconfigured) {
    await call({ method: 'PATCH', path: `${hookPath(desk, found)}/config`, json: configOf(wish), answer: anything })
  }
  if (found.active === wish.active && isSameSet(found.events, events)) {
    return stateOf(desk, found, misconfigured ? 'repaired' : 'kept')
  }
  // Without `config`: one that lacks the secret would remove it.
  const { value } = await call({
    method: 'PATCH',
    path: hookPath(desk, found),
    json: { active: wish.active, events },
    answer: hook,
  })
  return stateOf(desk, value, 'repaired')
}

async function remove(desk: Desk, double: Hook): Promise<void> {
  try {
    await desk.call({ method: 'DELETE', path: hookPath(desk, double), answer: anything })
  } catch (error) {
    if (!(error instanceof ForgeRefused) || error.status !== 404) throw error
  }
}

function stateOf({ events: wished }: Desk, { id, events }: Hook, done: HookState['done']): HookState {
  const dropped = wished.filter((event) => !events.includes(event))
  const notes = dropped.length > 0 ? [`GitHub did not keep the events ${dropped.join(', ')}`] : []
  return { id, done, events, notes }
}

function hookPath(desk: Desk, { id }: Hook): string {
  return desk.path + path`/${id}`
}

/** The secret is always sent along: it reads back as `********`, so nobody can see whether it is still there. */
function configOf({ url, contentType, secret }: HookWish) {
  return { url, content_type: contentType, insecure_ssl: '0', secret }
}

function isOurConfig({ content_type, insecure_ssl }: Hook['config'], wish: HookWish): boolean {
  return content_type === wish.contentType && String(insecure_ssl ?? '0') === '0'
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.every((one) => others.includes(one)) && others.every((one) => some.includes(one))
}

/** Exactly the same, but for the case of the host. */
function sameUrl(found: string | null | undefined, ours: string): boolean {
  if (!found || !URL.canParse(found) || !URL.canParse(ours)) return found === ours
  return new URL(found).href === new URL(ours).href
}
