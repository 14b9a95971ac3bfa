import type { Config, Listen } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { createHttpClient, type HttpAnswer, type HttpCall, HttpFailed } from '../http-client.ts'
import { type Given, Usage } from './command.ts'

/** Milliseconds for one call to the service. */
const deadline = 10_000

/** The running service as a command asks it: over its admin API. */
export interface Service {
  /** Where it is asked, without a secret. */
  readonly url: string
  /** The JSON of `/api/v1/PATH`; null where it answers 404. Rejects with `ServiceFailed` when it is not there or says no. */
  get<T>(path: string): Promise<T | null>
  /** The rows of a list from its beginning, at most so many. */
  list<T>(path: string, most: number): Promise<T[]>
  /** Calls `heard` whenever something happens. Resolves when the stream ends, rejects with `ServiceFailed` when there is none, or the signal is aborted. */
  follow(heard: () => void, signal: AbortSignal): Promise<void>
  close(): void
}

interface Page<T> {
  items: T[]
  next: string | null
}

/** The service does not answer, or does not let us in; the message says how to mend it. */
export class ServiceFailed extends Error {
  override readonly name = 'ServiceFailed'
}

/** Where `--url` says, else where the configuration says that it listens. A token comes from the variable of `--token-env`, else from the configuration. */
export function runningService(given: Pick<Given, 'config' | 'url' | 'token-env'>): Service {
  const config = given.url === undefined ? loadConfig(given.config ?? 'autoscaler.yaml') : null
  const base = given.url === undefined ? address(config!.admin.listen) : readUrl(given.url)
  const token = given['token-env'] === undefined ? tokenOf(config) : tokenIn(given['token-env'])
  const client = createHttpClient()
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const where = base.origin

  async function ask(call: Omit<HttpCall, 'method'>, signal?: AbortSignal): Promise<HttpAnswer> {
    const answer = await client.send({ method: 'GET', ...call }, signal).catch((error) => {
      if (!(error instanceof HttpFailed)) throw error
      throw new ServiceFailed(
        `no muster answers at ${where} (${error.code}): start it with "muster serve", or say where it is with --url`,
      )
    })
    if (answer.status === 401 || answer.status === 403) {
      const mend = 'name the variable that holds a token of admin.tokens with --token-env'
      throw new ServiceFailed(`${where} answers ${answer.status}: ${detailOf(answer.body)}; ${mend}`)
    }
    const isAbsent = answer.status === 404 && isProblem(answer.headers['content-type'])
    if (answer.status !== 200 && !isAbsent)
      throw new ServiceFailed(`${where} answers ${answer.status}: ${detailOf(answer.body)}`)
    return answer
  }

  async function get<T>(path: string): Promise<T | null> {
    const { status, body } = await ask({ url: new URL(`api/v1/${path}`, base), headers, deadline })
    return status === 404 ? null : readJson<T>(body, where)
  }

  return {
    url: where,
    get,
    async list<T>(path: string, most: number) {
      const rows: T[] = []
      for (let cursor: string | null = ''; cursor !== null && rows.length < most; ) {
        const query = new URLSearchParams({ limit: String(Math.min(most - rows.length, 500)) })
        if (cursor !== '') query.set('cursor', cursor)
        const page: Page<T> | null = await get(`${path}${path.includes('?') ? '&' : '?'}${query}`)
        rows.push(...(page?.items ?? []))
        cursor = page?.next ?? null
      }
      return rows
    },
    async follow(heard, signal) {
      const asStream = { ...headers, accept: 'text/event-stream' }
      // What an event says is not read: that there is one is enough to ask anew.
      const onText = (text: string) => void (text.includes('data:') && heard())
      await ask({ url: new URL('api/v1/events', base), headers: asStream, deadline: null, onText }, signal)
    },
    close: () => client.close(),
  }
}

/** What listens everywhere is reached on the loopback. */
function address({ host, port }: Listen): URL {
  const near = host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return new URL(`http://${near.includes(':') ? `[${near}]` : near}:${port}/`)
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new Usage('--url: expected an address like http://127.0.0.1:8091')
  if (url.username || url.password) throw new Usage('--url: a token does not belong into it; use --token-env')
  return new URL(url.href.endsWith('/') ? url.href : `${url.href}/`)
}

function tokenIn(name: string): string {
  const token = process.env[name]
  if (!token) throw new Usage(`--token-env: the variable ${name} is not set`)
  return token
}

/** The one that may do least, which is enough to look. */
function tokenOf(config: Config | null): string | null {
  const tokens = config?.admin.tokens ?? []
  const least = tokens.find(({ role }) => role === 'read') ?? tokens[0]
  return least ? least.token.reveal() : null
}

function isProblem(type = ''): boolean {
  return type.startsWith('application/problem+json')
}

function detailOf(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown }
    if (typeof detail === 'string') return detail
  } catch {
    // What is no JSON is not muster's.
  }
  return 'which is no answer of muster'
}

function readJson<T>(body: string, where: string): T {
  try {
    return JSON.parse(body) as T
  } catch {
    throw new ServiceFailed(`${where} does not answer with JSON: is it muster's admin listener (admin.listen)?`)
  }
}
