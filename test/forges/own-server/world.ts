import { type HttpHandler, HttpResponse, http } from 'msw'
import { systemClock } from '../../../src/clock.ts'
import type { Scope } from '../../../src/core/scope.ts'
import type { CheckQuery, Forge, ForgeType } from '../../../src/forges/forge.ts'
import type { OwnServer } from '../../../src/forges/own-server/server.ts'
import { Secret } from '../../../src/secret.ts'
import { aHookWish } from '../../support/builders.ts'
import { guarded } from './hooks-world.ts'

// What a Forgejo and a Gitea on the network have in common.

export const repository: Scope = { level: 'repository', owner: 'acme', name: 'widgets' }

/** Every scope that they have. */
export const levels: readonly Scope[] = [
  repository,
  { level: 'organization', owner: 'acme', name: null },
  { level: 'user', owner: 'acme', name: null },
  { level: 'instance', owner: null, name: null },
]

export interface Site {
  base: string
  token: string
}

/** The address of a scope. */
export function addressOf({ base }: Site, { level, owner, name }: Scope): string {
  const paths = { repository: `repos/${owner}/${name}`, organization: `orgs/${owner}`, user: 'user', instance: 'admin' }
  return `${base}/api/v1/${level === 'enterprise' ? '' : paths[level]}`
}

/** The forge under test for this site. */
export function forgeAt(
  { base, token }: Site,
  type: ForgeType<OwnServer>,
  { scope, secrets, notes }: { scope: Scope; secrets: readonly string[]; notes: string[] },
): Forge {
  return type.create(
    { baseUrl: new URL(`${base}/`), token: new Secret(token), ca: null },
    {
      instance: 'main',
      scope,
      secrets: () => secrets.map((secret) => new Secret(secret)),
      clock: systemClock,
      onCall: () => undefined,
      note: (sentence) => notes.push(sentence),
    },
  )
}

/** What a token may do that can do just what the level needs. */
export function scopesFor({ level }: Scope, kind: 'forgejo' | 'gitea'): string[] {
  const groups = { repository: 'repository', organization: 'organization', user: 'user', instance: 'admin' }
  const own = `write:${level === 'enterprise' ? '' : groups[level]}`
  return kind === 'gitea' || level === 'repository' ? [own] : [own, 'read:repository']
}

export interface Surroundings {
  scope: Scope
  scopes: readonly string[]
  /** How a call outside the token's scopes is refused. */
  refusal: (needed: string, scopes: readonly string[]) => string
  /** What it shows of the scope itself, besides its name. */
  place: object
}

/** What only a check asks for: the scope itself, the token's user, and something that no token of ours needs. */
export function surroundings(site: Site, { scope, scopes, refusal, place }: Surroundings): HttpHandler[] {
  const guard = guarded(site.token)
  const may = (needed: string, answer: () => Response) => {
    const allowed = ['all', needed, needed.replace('read:', 'write:')].some((one) => scopes.includes(one))
    return allowed ? answer() : HttpResponse.json({ message: refusal(needed, scopes) }, { status: 403 })
  }
  const group = scope.level === 'instance' ? 'admin' : scope.level
  const shown = { id: 1, ...(scope.level === 'user' ? { login: scope.owner } : {}), ...place }
  return [
    http.get(addressOf(site, scope), ({ request }) =>
      guard(request, () => may(`read:${group}`, () => HttpResponse.json(shown))),
    ),
    http.get(`${site.base}/api/v1/notifications/new`, ({ request }) =>
      guard(request, () => may('read:notification', () => HttpResponse.json({ new: 0 }))),
    ),
  ]
}

/** Those that the kept part of the forge's description is about: the Actions, the webhooks and the version. */
export function isDescribed({ url }: { url: URL }): boolean {
  return /\/api\/v1\/(?:version$|.*\/(?:hooks|actions|runners)(?:\/|$))/.test(url.pathname)
}

export const missing = () => HttpResponse.json({ message: 'not found' }, { status: 404 })

export function versionHandler({ base }: Site, version: object | null): HttpHandler {
  return http.get(`${base}/api/v1/version`, () => HttpResponse.json({ ...version }))
}

/** One runner, shown and removed; where there are no such calls, `missing` answers. */
export function runnerHandlers<Row extends { id: number }>(
  { token, root }: { token: string; root: string },
  runners: Row[],
  shown: ((runner: Row) => object) | null,
): HttpHandler[] {
  const guard = guarded(token)
  const one = (id: unknown) => (shown ? runners.find((runner) => runner.id === Number(id)) : undefined)
  return [
    http.get(`${root}/actions/runners/:id`, ({ request, params }) =>
      guard(request, () => {
        const runner = one(params.id)
        return runner && shown ? HttpResponse.json(shown(runner)) : missing()
      }),
    ),
    http.delete(`${root}/actions/runners/:id`, ({ request, params }) =>
      guard(request, () => {
        const runner = one(params.id)
        if (!runner) return missing()
        runners.splice(runners.indexOf(runner), 1)
        return new HttpResponse(null, { status: 204 })
      }),
    ),
  ]
}

/** The headers of a delivery, each in the name of all these families; signatures left out. */
export function headersOf(families: readonly string[], event: string): Record<string, string> {
  const id = 'f1a3c1f2-6a52-4d0b-9d7b-8a7b1f6f0c11'
  return Object.fromEntries([
    ['content-type', 'application/json'],
    ...families.flatMap((family) => [
      [`x-${family}-event`, event],
      [`x-${family}-delivery`, id],
    ]),
  ])
}

/** Rows with the ids from 1 to `count`. */
export function numbered<Row>(count = 0, make: (id: number) => Row): Row[] {
  return Array.from({ length: count }, (_, index) => make(index + 1))
}

const wish = aHookWish()

/** A hook of ours that is not as it should be. */
export const staleHook = { id: 9, url: wish.url, secret: 'old', active: true, events: ['push'] }

/** Everything that is ever asked of a forge that has `staleHook` and an idle `runner-3`. */
export async function everything(forge: Forge): Promise<void> {
  const { signal } = new AbortController()
  await forge.probe(signal)
  await forge.jobs({ labels: ['linux'], only: null }, signal)
  await forge.runners(signal)
  await forge.register({ name: 'muster-1', labels: ['linux'], handle: null }, signal)
  const hook = await forge.ensureHook?.({ ...wish, known: null }, signal)
  await forge.ensureHook?.({ ...wish, active: false, known: { id: hook?.id ?? '', secretFits: true } }, signal)
  await forge.check?.(aCheckQuery(), signal)
  await forge.unregister({ id: '3', name: 'runner-3' }, signal)
}

/** What `muster check` asks of a forge that has everything to do. */
export function aCheckQuery(over: Partial<CheckQuery> = {}): CheckQuery {
  return {
    labels: ['linux'],
    hook: { url: wish.url, events: ['workflow_job'], active: true },
    registers: true,
    isolated: false,
    looksPerHour: { polling: 120, reconciling: 12 },
    ...over,
  }
}
