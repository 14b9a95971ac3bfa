import type { Context } from 'hono'
import type { Served } from './peer.ts'

/** A request's body as it came, or why there is none. `length` is in bytes: what was announced, or what was read until then. */
export type Body =
  | { kind: 'whole'; bytes: Uint8Array }
  | { kind: 'too_large'; length: number }
  /** The client went away before the end. */
  | { kind: 'aborted'; length: number }

/** What the client announced; null without a Content-Length. */
export function announcedLength(c: Context<Served>): number | null {
  const header = c.req.header('content-length')
  return header === undefined || !/^\d+$/.test(header) ? null : Number(header)
}

/** Reads at most `max` bytes. The bytes are counted as they come, whatever was announced; a body announced as larger is not read at all. */
export async function readBody(c: Context<Served>, max: number): Promise<Body> {
  const announced = announcedLength(c)
  if (announced !== null && announced > max) return { kind: 'too_large', length: announced }
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of arriving(c)) {
      length += chunk.byteLength
      if (length > max) return { kind: 'too_large', length }
      chunks.push(chunk)
    }
  } catch {
    return { kind: 'aborted', length }
  }
  return { kind: 'whole', bytes: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks) }
}

function arriving(c: Context<Served>): AsyncIterable<Uint8Array> {
  const incoming = c.env?.incoming
  // Leaving the loop early must not destroy the socket: the refusal still has to go out through it.
  if (incoming && 'iterator' in incoming) return incoming.iterator({ destroyOnReturn: false })
  return c.req.raw.body ?? nothing()
}

async function* nothing() {}
