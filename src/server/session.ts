import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Config, Role } from '../config/config.ts'

type Tokens = Config['admin']['tokens']

/** A browser keeps a cookie with this prefix only over https or from the machine itself, for this host alone, and hands it to no script. */
export const sessionCookie = '__Host-muster'

/** Milliseconds: a working day. */
export const sessionLife = 12 * 60 * 60_000

/** What the cookie says in place of the token: until when, signed with it. So every replica knows it, a restart ends none, and a token that is taken out of the configuration ends its own. */
export function createSession(token: Tokens[number], now: number): string {
  const until = String(now + sessionLife)
  return `${until}.${signature(token, until).toString('base64url')}`
}

export type Session =
  | { kind: 'valid'; role: Role; name: string }
  /** It was one; this is no guess. */
  | { kind: 'expired' }
  | { kind: 'forged' }

/** Whose session it is. Every token is tried, in constant time. */
export function readSession(cookie: string, tokens: Tokens, now: number): Session {
  const [, until = '', signed = ''] = /^(\d{1,15})\.([\w-]{43})$/.exec(cookie) ?? []
  const given = Buffer.from(signed, 'base64url')
  let holder: Tokens[number] | null = null
  for (const token of tokens) {
    // An empty one would sign for everybody.
    if (token.token.reveal() === '') continue
    const right = signature(token, until)
    if (given.length === right.length && timingSafeEqual(given, right)) holder = token
  }
  if (!holder) return { kind: 'forged' }
  return Number(until) > now ? { kind: 'valid', role: holder.role, name: holder.name } : { kind: 'expired' }
}

function signature({ token }: Tokens[number], until: string): Buffer {
  return createHmac('sha256', token.reveal()).update(`muster session ${until}`).digest()
}
