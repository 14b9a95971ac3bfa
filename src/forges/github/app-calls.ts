import { createAppAuth } from '@octokit/auth-app'
import type { z } from 'zod'
import { createForgeApi } from '../api.ts'
import { ForgeError, ForgeRefused, ForgeUnreachable } from '../errors.ts'
import type { ForgeContext } from '../forge.ts'
import { dialect } from './client.ts'
import type { GithubApp, GithubOptions } from './options.ts'

/** Calls as the App itself, which alone may ask for tokens of its installations. */
export interface AppCalls {
  call<Schema extends z.ZodType>(
    request: { method: 'GET' | 'POST'; path: string; answer: Schema; hint: (status: number) => string | null },
    signal?: AbortSignal,
  ): Promise<z.output<Schema>>
  /** GitHub's clock as its last answer told it, epoch milliseconds; null while none did. */
  readonly toldAt: number | null
}

type Hook = ReturnType<typeof createAppAuth>['hook']
type Request = Parameters<Hook>[0]
/** What the library makes of `POST /…` before it sends it. */
type Endpoint = { method: 'GET' | 'POST'; url: string; headers: Record<string, string> }

/** GitHub's words and its time, where the library looks for them to see that our clock is wrong. */
class Refusal extends Error {
  readonly refused: ForgeRefused
  readonly response: { headers: { date: string | undefined } }

  constructor(refused: ForgeRefused, date: string | undefined) {
    super(refused.detail)
    this.refused = refused
    this.response = { headers: { date } }
  }
}

/** The library signs and corrects for a wrong clock; what it sends goes our only way out. */
export function createAppCalls(
  { apiUrl, ca }: Pick<GithubOptions, 'apiUrl' | 'ca'>,
  app: GithubApp,
  { clock, onCall }: Pick<ForgeContext, 'clock' | 'onCall'>,
): AppCalls {
  let date: string | undefined
  const onAnswer = ({ headers }: { headers: Readonly<Record<string, string>> }) => {
    date = headers.date
  }
  const api = createForgeApi({ base: apiUrl, ca, clock, onCall, onAnswer, headers: () => dialect })

  function sender<Schema extends z.ZodType>(answer: Schema, signal?: AbortSignal): Request {
    async function send({ method, url, headers: { authorization = '' } }: Endpoint) {
      try {
        const { value } = await api.call({ method, path: url, headers: { authorization }, answer }, signal)
        return { data: value }
      } catch (error) {
        throw error instanceof ForgeRefused ? new Refusal(error, date) : error
      }
    }
    const merge = (route: string): Endpoint => {
      const [method, url = ''] = route.split(' ')
      return { method: method === 'POST' ? 'POST' : 'GET', url, headers: {} }
    }
    // Of its large interface the library uses these few members here.
    return Object.assign(send, { endpoint: { merge, DEFAULTS: { baseUrl: '' } } }) as unknown as Request
  }

  return {
    get toldAt() {
      return date ? Date.parse(date) || null : null
    },
    async call({ method, path, answer, hint }, signal) {
      try {
        const { hook } = createAppAuth({
          appId: app.id,
          privateKey: app.privateKey.reveal(),
          log: { warn: () => undefined },
        })
        return (await hook(sender(answer, signal), `${method} ${path}`)).data
      } catch (error) {
        if (error instanceof Refusal) throw explained(error.refused, hint)
        if (error instanceof ForgeError) throw error
        // Not what the library says: it may show some of the key.
        throw new ForgeUnreachable(`${method} ${path}`, `${unsigned} (${app.privateKey.source})`)
      }
    },
  }

  function explained({ call, status, detail, retryAt }: ForgeRefused, hint: (status: number) => string | null) {
    const foreign = `the private key (${app.privateKey.source}) is not one of the GitHub App ${app.id}`
    const mend = `${foreign}: make a new one in the App's settings, or mend app_id`
    const why = hint(status) ?? (status === 401 ? mend : null)
    return new ForgeRefused(call, status, [detail, why].filter(Boolean).join('; '), retryAt)
  }
}

const unsigned = 'the private key of the GitHub App cannot be used to sign'
