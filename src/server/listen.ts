import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Clock } from '../clock.ts'
import type { Listen } from '../config/config.ts'
import { limitEach } from './connections.ts'

/** How long a client may take, in milliseconds, and how much it may send before anything is read. */
export interface ServerLimits {
  headersTimeout: number
  requestTimeout: number
  keepAliveTimeout: number
  /** How often the timeouts are looked after. */
  connectionsCheckingInterval: number
  /** Bytes of all headers together. */
  maxHeaderSize: number
  /** Connections at once; more are dropped unanswered. */
  maxConnections: number
  /** Of them, how many from one address that is not near (`connections.ts`). */
  maxConnectionsEach: number
}

/** Node's own are 60 s, 300 s, 5 s, 30 s, 16 kB and no limit: far too patient for a listener that anyone can reach. */
export const serverLimits: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8 * 1024,
  maxConnections: 512,
  maxConnectionsEach: 32,
}

export interface ServeOptions extends Listen {
  clock: Clock
  limits?: ServerLimits
  /** Milliseconds that requests in flight get when it closes. Default 5 s. */
  drain?: number
}

export interface Listener {
  /** The one that was given, or the one that the system chose for 0. */
  port: number
  /** Accepts no more, lets what is in flight finish within the bound, then ends what is left. Never rejects. */
  close(): Promise<void>
}

/** The address could not be taken; the message says which and how to mend it. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
}

/** Something that answers requests: a Hono app. */
export interface Answering {
  fetch(request: Request, env: object): Response | Promise<Response>
}

/** Serves an app over node:http. Resolves when the address is taken, rejects with `CannotListen`. */
export async function serve(app: Answering, options: ServeOptions): Promise<Listener> {
  const { host, port, clock, limits = serverLimits, drain = 5_000 } = options
  const server = limitedServer(app, limits)
  await taken(server, { host, port })
  let closing: Promise<void> | null = null
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      closing ??= close(server, clock, drain)
      return closing
    },
  }
}

function limitedServer(app: Answering, { maxConnections, maxConnectionsEach, ...limits }: ServerLimits): Server {
  // HTTP/1.0 needs no Host, and the health checks of some balancers send none; without a name here they would get a 400.
  const listener = getRequestListener((request, env) => app.fetch(request, env), { hostname: 'unknown' })
  const server = createServer(limits, listener)
  server.maxConnections = maxConnections
  limitEach(server, maxConnectionsEach)
  server.on('request', (_, answer) => {
    // A kept-alive connection would hold a closing server open until its keepAliveTimeout.
    answer.once('close', () => setImmediate(() => server.listening || server.closeIdleConnections()))
  })
  return server
}

function taken(server: Server, { host, port }: Listen): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, { host, port })))
    server.listen({ host: host || undefined, port }, resolve)
  })
}

function cannotListen(error: NodeJS.ErrnoException, { host, port }: Listen): CannotListen {
  const where = `cannot listen on ${host || '*'}:${port}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new CannotListen(`${where}: another process has this port; stop it or choose another`, { cause: error })
    case 'EACCES':
      return new CannotListen(`${where}: this user may not take it; choose a port above 1023`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CannotListen(`${where}: this machine has no such address`, { cause: error })
    default:
      return new CannotListen(`${where}: ${error.message}`, { cause: error })
  }
}

async function close(server: Server, clock: Clock, drain: number): Promise<void> {
  const ended = new AbortController()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  await Promise.race([closed, clock.sleep(drain, ended.signal)])
  ended.abort()
  server.closeAllConnections()
  await closed
}
