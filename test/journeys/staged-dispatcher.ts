import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One call as it came over the wire. */
export interface DispatchCall {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** `X-Muster-Job`: `<instance>/<job id>`, absent for `min_idle`. */
  job: string | undefined
}

export type Behaviour = (call: DispatchCall, answer: ServerResponse, request: IncomingMessage) => void

/** A dispatcher service on the loopback that says what it is told to say, and keeps what it was asked. */
export interface StagedDispatcher {
  readonly url: string
  /** Oldest first. */
  readonly calls: DispatchCall[]
  /** What it does from now on. */
  behave(behaviour: Behaviour): void
  close(): Promise<void>
}

/** Says that one runner was started, as the dispatcher API does. */
export function started(answer: ServerResponse, name: string): void {
  say(answer, 200, { runners: [{ name }] })
}

export function say(answer: ServerResponse, status: number, body: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Unless it is told otherwise, it accepts every request at once and starts nothing. */
export async function stagedDispatcher(): Promise<StagedDispatcher> {
  const calls: DispatchCall[] = []
  let behaviour: Behaviour = (_, answer) => started(answer, `cloud-${calls.length}`)
  const server = createServer(async (request, answer) => {
    const { method = '', url: path = '', headers } = request
    const job = headers['x-muster-job']
    const sent = await text(request)
    // Whoever only looks whether somebody is there asks for nothing.
    if (method !== 'POST') return say(answer, 405, { error: 'POST only' })
    const call = { method, path, headers, body: JSON.parse(sent), job: job?.toString() }
    calls.push(call)
    behaviour(call, answer, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    behave(changed) {
      behaviour = changed
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
