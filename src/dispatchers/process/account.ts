import { execFileSync } from 'node:child_process'
import { getuid } from 'node:process'
import { DispatcherUnusable } from '../errors.ts'

/** The system user that runners run as. */
export interface Account {
  uid: number
  gid: number
}

/** Looks a user up, whatever directory it comes from. Throws `DispatcherUnusable` when we may not become it or it does not exist. */
export function accountOf(user: string): Account {
  if (getuid?.() !== 0) {
    throw new DispatcherUnusable(
      `"user: ${user}" needs Muster to run as root; run Muster as ${user} and leave "user" out instead`,
    )
  }
  return { uid: idOf('-u', user), gid: idOf('-g', user) }
}

function idOf(which: '-u' | '-g', user: string): number {
  try {
    return Number(
      execFileSync('id', [which, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
    )
  } catch {
    throw new DispatcherUnusable(`"user: ${user}" is no user of this system; create it, or leave "user" out`)
  }
}
