import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { systemClock } from '../../../src/clock.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { http as httpKind } from '../../../src/dispatchers/http/dispatcher.ts'
import type { HttpOptions } from '../../../src/dispatchers/http/options.ts'
import { Secret } from '../../../src/secret.ts'
import { canary, type Place } from '../contract.ts'

/** One call as it came over the wire. */
export interface Call {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
}

export type Behaviour = (call: Call, answer: ServerResponse, request: IncomingMessage) => void

export interface HttpPlace extends Place {
  url: string
  calls: Call[]
  dispatcher(owner?: string, options?: Partial<HttpOptions>): Dispatcher
  /** What the service does from now on, instead of starting runners. */
  behave(behaviour: Behaviour): void
}

/** A dispatcher service on loopback that keeps the API: it starts (names) a runner, honours idempotency keys and ends runners by their ttl. */
export async function aService(): Promise<HttpPlace> {
  const calls: Call[] = []
  const runners = new Map<string, { name: string; endsAt: number }>()
  const starts: string[] = []

  let behaviour: Behaviour = ({ headers, body }, answer) => {
    if (headers.authorization !== `Bearer ${canary}`) return say(answer, 401, { error: 'who are you?' })
    const key = String(headers['idempotency-key'])
    const known = runners.get(key) ?? {
      name: `nscloud-${runners.size}`,
      endsAt: Date.now() + milliseconds(String(body.ttl)),
    }
    if (!runners.has(key)) starts.push(key)
    runners.set(key, known)
    say(answer, 200, { runners: [{ name: known.name }] })
  }

  const server = createServer(async (request, answer) => {
    const { method = '', url: path = '', headers } = request
    const call = { method, path, headers, body: JSON.parse(await text(request)) }
    calls.push(call)
    behaviour(call, answer, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    calls,
    shortTtl: 2_000,
    behave(changed) {
      behaviour = changed
    },
    dispatcher: (owner = 'muster', options = {}) =>
      httpKind.create(
        { url: new URL(url), token: new Secret(canary), ca: null, idempotent: true, ...options },
        { name: 'there', owner, clock: systemClock, note: () => undefined },
      ),
    started: async () => starts,
    living: async () => [...runners].filter(([, { endsAt }]) => endsAt > Date.now()).map(([key]) => key),
    // The one header that must hold the credential is for the service alone.
    onlooker: async () =>
      JSON.stringify(calls.map((call) => ({ ...call, headers: { ...call.headers, authorization: '' } }))),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function say(answer: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  answer.writeHead(status, { 'content-type': 'application/json', ...headers })
  answer.end(typeof body === 'string' ? body : JSON.stringify(body))
}

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** A Go duration, read as Go reads it. */
export function milliseconds(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)]
  if (parts.map(([part]) => part).join('') !== duration) throw new Error(`"${duration}" is no Go duration`)
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0)
}
