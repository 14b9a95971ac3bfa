import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'

export interface HttpCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: URL
  headers?: Readonly<Record<string, string>>
  /** Sent as `application/json`. */
  json?: unknown
  /** Milliseconds for the whole call, answer included; null for a call that may last as long as its caller likes. */
  deadline: number | null
  /** Called when the connection stands and the first byte is about to leave. */
  onSend?: () => void
  /** Gets a good answer's body piece by piece as it comes, however long that is; the answer's own is empty then. */
  onText?: (text: string) => void
}

export interface HttpAnswer {
  status: number
  /** Names in lower case; of repeated ones the values joined by a comma. */
  headers: Readonly<Record<string, string>>
  body: string
}

/** The call ended without an answer. */
export class HttpFailed extends Error {
  override readonly name = 'HttpFailed'
  /** False only when surely no byte of the request left: refused, no such host, TLS not trusted. */
  readonly sent: boolean
  /** Node's code (`ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, …), or `deadline`, `aborted`, `too_large`, `encoded`. */
  readonly code: string

  constructor(message: string, options: { sent: boolean; code: string; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.sent = options.sent
    this.code = options.code
  }
}

export interface HttpClient {
  /** One exchange: no retry, no redirect followed, no encoding accepted. Any status is an answer; rejects with `HttpFailed`. */
  send(call: HttpCall, signal?: AbortSignal): Promise<HttpAnswer>
  close(): void
}

export interface HttpClientOptions {
  /** PEM of the authorities to trust, instead of the usual ones. */
  ca?: string
  /** Answers beyond this many bytes are refused. Default 8 MiB. */
  maxBytes?: number
  /** Connections are kept for the next call. Off, an error before `onSend` proves that nothing was sent. Default true. */
  keepAlive?: boolean
}

/** Said outright, because variables of the environment (NODE_TLS_REJECT_UNAUTHORIZED, NODE_OPTIONS) would loosen both. */
const trust = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const

/** The only way out of the process over HTTP. It uses node:http because built-in fetch ends each call at 300 s and takes no authority per endpoint. */
export function createHttpClient({
  ca,
  maxBytes = 8 * 1024 * 1024,
  keepAlive = true,
}: HttpClientOptions = {}): HttpClient {
  const agents = { 'http:': new HttpAgent({ keepAlive }), 'https:': new HttpsAgent({ keepAlive, ca, ...trust }) }

  return {
    async send(call, signal) {
      // Node clamps a longer timer to 1 ms.
      const deadline = call.deadline === null ? [] : [AbortSignal.timeout(Math.min(call.deadline, 2 ** 31 - 1))]
      const ending = AbortSignal.any([...deadline, ...(signal ? [signal] : [])])
      const connection = { sent: false }
      try {
        const answer = await exchange(call, agents[call.url.protocol as keyof typeof agents], connection, ending)
        const status = answer.statusCode ?? 0
        const streamed = status < 300 ? call.onText : undefined
        return { status, headers: flat(answer), body: await read(answer, maxBytes, ending, streamed) }
      } catch (error) {
        throw failure(error, connection.sent, ending, signal)
      }
    },
    close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

function exchange(
  call: HttpCall,
  agent: HttpAgent | HttpsAgent,
  connection: { sent: boolean },
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const body = call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json))
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'muster', ...call.headers }
  if (body) Object.assign(headers, { 'content-type': 'application/json', 'content-length': String(body.length) })
  const begin = call.url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = begin(call.url, { method: call.method, headers, agent, signal })
    const announce = () => {
      connection.sent = true
      call.onSend?.()
    }
    request.once('socket', (socket) => {
      if (!socket.connecting) announce()
      else socket.once(call.url.protocol === 'https:' ? 'secureConnect' : 'connect', announce)
    })
    request.once('response', resolve)
    request.once('error', reject)
    // Without any answer, and without an error: one that switches to another protocol ends the connection so.
    request.once('close', () =>
      reject(new HttpFailed('the connection ended without an answer', { sent: connection.sent, code: 'ECONNRESET' })),
    )
    request.end(body)
  })
}

async function read(
  answer: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
  onText?: (text: string) => void,
): Promise<string> {
  const encoding = answer.headers['content-encoding']
  if (encoding && encoding !== 'identity') {
    answer.destroy()
    throw new HttpFailed(`the answer is encoded as ${encoding}, which was not asked for`, {
      sent: true,
      code: 'encoded',
    })
  }
  const chunks: Buffer[] = []
  const decoder = new TextDecoder()
  let size = 0
  for await (const chunk of answer) {
    if (signal.aborted) throw signal.reason
    if (onText) {
      onText(decoder.decode(chunk, { stream: true }))
      continue
    }
    size += chunk.length
    if (size > maxBytes) {
      answer.destroy()
      throw new HttpFailed(`the answer is larger than ${maxBytes} bytes`, { sent: true, code: 'too_large' })
    }
    chunks.push(chunk)
  }
  if (!answer.complete) throw new HttpFailed('the answer was broken off', { sent: true, code: 'ECONNRESET' })
  return Buffer.concat(chunks).toString('utf8')
}

function failure(error: unknown, sent: boolean, ending: AbortSignal, caller?: AbortSignal): HttpFailed {
  if (error instanceof HttpFailed) return error
  if (caller?.aborted) return new HttpFailed('the call was given up', { sent, code: 'aborted', cause: error })
  if (ending.aborted) return new HttpFailed('no answer before the deadline', { sent, code: 'deadline', cause: error })
  const code = (error as NodeJS.ErrnoException).code ?? 'failed'
  const message = error instanceof Error ? error.message : String(error)
  return new HttpFailed(message.includes(code) ? message : `${code}: ${message}`, {
    sent,
    code,
    cause: error,
  })
}

function flat(answer: IncomingMessage): Record<string, string> {
  const pairs = Object.entries(answer.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : (value ?? ''),
  ])
  return Object.fromEntries(pairs)
}
