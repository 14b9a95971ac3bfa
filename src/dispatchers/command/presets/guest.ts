import { ending } from '../own-command.ts'
import type { Programs } from '../programs.ts'

/** What a whole script ends with: one that was cut short on its way is never run. */
const lastLine = '# whole'

/** A script as it goes over a connection that may break. */
export function sealed(script: string): string {
  return `${script.endsWith('\n') ? script : `${script}\n`}${lastLine}\n`
}

/** A line for a remote shell that keeps what comes on standard input in `$new`, and goes on only if it came whole. Without a double quote. */
export const receive = [
  'umask 077',
  'new=$folder.new.$$',
  'cat > $new',
  `[ x$(tail -n 1 $new | tr -d ' ') = x${lastLine.replace(' ', '')} ] || { rm -f $new; echo the script came broken >&2; exit 65; }`,
].join('; ')

/**
 * What a fresh machine runs once: it takes the start script from standard input, lets go of the connection, becomes the runner, and does
 * `after` in the end. Asked again it does nothing.
 */
export function begin(after: string): string {
  return [
    'folder=/tmp/muster-start',
    '[ ! -d $folder ] || exit 0',
    receive,
    'mkdir $folder 2>/dev/null || { rm -f $new; exit 0; }',
    'mv $new $folder/start.sh',
    `nohup sh -c 'sh $0/start.sh; rm -f $0/start.sh; : > $0/ended; ${after}' $folder > $folder/log 2>&1 < /dev/null &`,
  ].join('; ')
}

export interface Guest {
  user: string
  /** The path of a private key; null for what ssh finds by itself. */
  identity: string | null
}

/** Milliseconds between tries to reach a machine that boots. */
const pause = 2_000
const tries = 60

/** Brings the start script into a machine that was just made, by ssh. Tries while its sshd is not up. Rejects when it cannot be done. */
export async function bringIn(
  programs: Programs,
  { user, identity }: Guest,
  { host, script, command }: { host: string; script: string; command: string },
): Promise<void> {
  const argv = [
    'ssh',
    '-T',
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=10',
    // The machine was made a minute ago: nobody can know its key.
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'LogLevel=ERROR',
    ...(identity === null ? [] : ['-i', identity]),
    `${user}@${host}`,
    command,
  ]
  for (let left = tries; ; left--) {
    const finished = await programs.run(argv, sealed(script))
    if (finished.code === 0) return
    // 255 is ssh's own: it never got in, or fell out; then it is asked again, and a second start does nothing.
    if (finished.code !== 255 || left === 1) throw new Error(`ssh to the new machine ended with ${ending(finished)}`)
    await programs.pause(pause)
  }
}
