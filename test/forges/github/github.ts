import { type DefaultBodyType, HttpResponse, type HttpResponseResolver, type PathParams } from 'msw'
import type { Scope } from '../../../src/core/scope.ts'
import type { Forge } from '../../../src/forges/forge.ts'
import { github } from '../../../src/forges/github/forge.ts'
import { Secret } from '../../../src/secret.ts'
import { at } from '../../support/builders.ts'

export const API = 'https://api.github.com'
export const TOKEN = 'github_pat_11ACME0000'
export const SECRET = 'a webhook secret'

export const repository: Scope = { level: 'repository', owner: 'acme', name: 'widgets' }
export const organization: Scope = { level: 'organization', owner: 'acme', name: null }
export const enterprise: Scope = { level: 'enterprise', owner: 'acme-corp', name: null }

export const never = () => new AbortController().signal

export interface Setup {
  scope?: Scope
  base?: string
  api?: string
  token?: string | Secret
  secrets?: readonly string[]
  notes?: string[]
  statuses?: (number | 'none')[]
  /** Milliseconds that were slept. */
  waits?: number[]
}

/** A GitHub as configured; at 12:00:00 for ever. */
export function aGithub({
  scope = repository,
  base = 'https://github.com',
  api = API,
  token = TOKEN,
  secrets = [SECRET],
  notes = [],
  statuses = [],
  waits = [],
}: Setup = {}): Forge {
  return github.create(
    {
      baseUrl: new URL(base),
      apiUrl: new URL(api),
      token: typeof token === 'string' ? new Secret(token) : token,
      app: null,
      ca: null,
    },
    {
      instance: 'main',
      scope,
      secrets: () => secrets.map((secret) => new Secret(secret)),
      clock: { now: () => at('12:00:00'), monotonic: () => 0, sleep: async (ms) => void waits.push(ms) },
      onCall: (status) => statuses.push(status),
      note: (sentence) => notes.push(sentence),
    },
  )
}

/** Answers as GitHub does: 401 to another token, 400 without its media type and version. */
export function authorised(answer: HttpResponseResolver<PathParams, DefaultBodyType, undefined>): typeof answer {
  return (info) => {
    const { headers } = info.request
    if (headers.get('authorization') !== `Bearer ${TOKEN}`) return refusal(401, 'Bad credentials')
    const speaks = headers.get('accept') === 'application/vnd.github+json'
    if (!speaks || headers.get('x-github-api-version') !== '2022-11-28') return refusal(400, 'Bad Request')
    return answer(info)
  }
}

export function refusal(status: number, message: string, more: object = {}, headers: Record<string, string> = {}) {
  return HttpResponse.json(
    { message, documentation_url: 'https://docs.github.com/rest', status: String(status), ...more },
    { status, headers },
  )
}

/** The page that a request asks for. */
export function pageOf<Row>(request: Request, rows: readonly Row[]): Row[] {
  const { searchParams } = new URL(request.url)
  const size = Math.min(100, Number(searchParams.get('per_page') ?? 30))
  const page = Number(searchParams.get('page') ?? 1)
  return rows.slice((page - 1) * size, page * size)
}
