import { sideSocket } from './side.ts'
import { tar } from './tar.ts'

const folder = 'muster'

/** What a runner's container is started with, whatever the image's own entry point is. */
export const entrypoint = ['/bin/sh', `/${folder}/start.sh`]

/**
 * The archive with the start script, to be unpacked at `/`. The script is a credential: it removes itself before anything else, so a job
 * does not find it, and a container that somebody starts again joins nothing. Where the image's user is a number the file is that user's
 * alone. A name only the image could resolve, so then everybody in the container may read it; those are the runner and what it starts,
 * and the folder is open to all for the same reason: else that user could not remove it.
 */
export function startArchive(script: string, { user, side }: { user: string; side: boolean }): Buffer {
  const owner = ownerOf(user)
  const at = owner ?? { uid: 0, gid: 0 }
  return tar([
    { path: `${folder}/`, content: null, mode: owner ? 0o700 : 0o777, ...at },
    { path: `${folder}/start.sh`, content: opening(side) + script, mode: owner ? 0o400 : 0o444, ...at },
  ])
}

function opening(side: boolean): string {
  return ['#!/bin/sh', 'rm -f "$0"', ...(side ? waiting : []), ''].join('\n')
}

// The runners look for an engine once, at their start; one of its own is up within seconds. Process 1 ends by a signal only if it says so.
const waiting = [
  "trap 'exit 143' TERM",
  'tries=120',
  `while [ ! -S ${sideSocket} ] && [ "$tries" -gt 0 ]; do sleep 1; tries=$((tries - 1)); done`,
  'trap - TERM',
]

function ownerOf(user: string): { uid: number; gid: number } | null {
  if (user === '' || user === 'root' || user.startsWith('root:')) return { uid: 0, gid: 0 }
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(user) ?? []
  return uid === undefined ? null : { uid: Number(uid), gid: Number(gid ?? 0) }
}
