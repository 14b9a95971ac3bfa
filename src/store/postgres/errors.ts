import { DatabaseError } from 'pg'
import { StoreUnavailable, StoreUnusable } from '../store.ts'

/** SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) of an error that the server raised; null for any other. */
export function codeOf(error: unknown): string | null {
  return error instanceof DatabaseError ? (error.code ?? null) : null
}

/** Classes that speak of the server or of others at work on it, never of the statement: broken connection, read only, rolled back, resources, locks, operators, system. */
const circumstances = new Set(['08', '25', '40', '53', '55', '57', '58'])

/** True where the same may go well a moment later. */
export function isPassing(error: unknown): boolean {
  return isLost(error) || circumstances.has(codeOf(error)?.slice(0, 2) ?? '')
}

/** True where the connection is of no use any more. */
export function isLost(error: unknown): boolean {
  if (error instanceof DatabaseError) {
    // A plan that was made before a newer version changed a table.
    return error.severity === 'FATAL' || error.severity === 'PANIC' || error.code === '0A000'
  }
  return isOfTheConnection(error)
}

/** What the driver and the network say of a connection, in their words: few of them have a code. */
function isOfTheConnection(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof TypeError) return false
  return 'syscall' in error || /connection|pool|timeout|closed|queryable|socket|SSL|TLS/i.test(error.message)
}

/** What PostgreSQL or the way to it refuses is told as `StoreUnavailable`; anything else is a fault of ours and stays as it is. */
export function unavailable(error: unknown): unknown {
  if (error instanceof StoreUnusable) return new StoreUnavailable(error.message, { cause: error })
  if (!(error instanceof Error)) return error
  if (!(error instanceof DatabaseError) && !isOfTheConnection(error)) return error
  const code = codeOf(error)
  return new StoreUnavailable(
    `the state cannot be used now: ${error.message}${code === null ? '' : ` (PostgreSQL code ${code})`}`,
    { cause: error },
  )
}

/** Why a database cannot serve as the state; `place` names it without its password. */
export function unusable(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnusable) return error
  const say = (sentence: string) => new StoreUnusable(sentence, { cause: error })
  switch (codeOf(error)) {
    case '3D000':
      return say(`${place} is not there: ${error.message}. Create it: \`createdb\`, or let its administrator.`)
    case '28P01':
    case '28000':
      return say(`${place} lets nobody in with this user and password: ${error.message}.`)
    case '42501':
      return say(
        `${place} does not let this user do what it has to: ${error.message}. Grant it CREATE on the database, or make a schema "muster" that it owns.`,
      )
    case '25006':
      return say(`${place} is read only: ${error.message}. Point \`state\` at the primary server.`)
    case null:
      return isOfTheConnection(error) ? say(`${place} cannot be reached: ${error.message}.`) : error
    default:
      return say(`${place} cannot be used: ${error.message} (PostgreSQL code ${codeOf(error)}).`)
  }
}
