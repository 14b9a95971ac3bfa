import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Role } from '../config/config.ts'

/** Node's own request and answer; absent where an app is called without a socket. */
export interface Served {
  Bindings: Partial<HttpBindings> | undefined
  Variables: {
    by: string
    /** What the caller may do; absent where nobody was asked who it is. */
    role: Role
  }
}

/** Who calls, for the trail: the name of the token; `local` where none is configured. */
export function callerOf(c: Context<Served>): string {
  return c.get('by') ?? 'local'
}

/** The address at the other end of the socket. A forwarded-for header is not believed: anyone can write one. */
export function peerOf(c: Context<Served>): string {
  return c.env?.incoming?.socket.remoteAddress ?? 'unknown'
}
