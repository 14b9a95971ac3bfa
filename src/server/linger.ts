import type { Context } from 'hono'
import type { Served } from './peer.ts'

/** Milliseconds for which a refused upload is still read (and thrown away) after the answer. */
const patience = 1_000

/**
 * Lets a refusal that closes the connection arrive: a socket that is closed over unread bytes is reset, and the reset can overtake the answer.
 * So our half is closed after the answer, what still comes is thrown away for a moment, then the rest is closed too.
 */
export function linger(c: Context<Served>): void {
  const incoming = c.env?.incoming
  if (!incoming || !('destroySoon' in incoming.socket)) return
  const { socket } = incoming
  // Node calls this once the answer is written, because of its `Connection: close`.
  socket.destroySoon = () => {
    socket.end()
    incoming.resume()
    const timer = setTimeout(() => socket.destroy(), patience)
    socket.once('close', () => clearTimeout(timer))
  }
}
