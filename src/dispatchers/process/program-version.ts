import { realpath, stat } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import type { Credential } from '../../core/credential.ts'
import { DispatchRefused } from '../errors.ts'
import { reason } from '../reason.ts'
import { runToEnd, type Start } from './child.ts'

/** Major, minor, patch. */
export type Version = readonly [number, number, number]

/** The oldest version of a runner that can be started as we start it. */
export interface Need {
  oldest: Version
  /** The forge that needs it, with its versions where it is not all. */
  forge: string
}

/** forgejo-runner: `one-job --url --uuid --token-url` with Forgejo 15 (12.8), `one-job --wait` before (12.7). */
export const needOfForgejo15: Need = { oldest: [12, 8, 0], forge: 'Forgejo 15 and later' }
export const needOfForgejo: Need = { oldest: [12, 7, 0], forge: 'Forgejo' }
/** act_runner: `register --ephemeral`, `daemon --once`. gitea-runner began after it. */
export const needOfGitea: Need = { oldest: [0, 2, 12], forge: 'Gitea' }

/** A program that does not tell its version in this time is let pass. Milliseconds. */
const bound = 10_000
/** What was too old is asked again after so many milliseconds: behind a wrapper a new version changes no file that we see. */
const believed = 60_000
/** GitHub says at times that a version is too old and takes it back (2026-08-06), so runners are tried again after so many milliseconds. */
const shunned = 600_000

/** Null where any version will do, or where the forge alone knows (GitHub). */
export function needOf(credential: Credential): Need | null {
  switch (credential.kind) {
    case 'forgejo':
      return needOfForgejo15
    case 'registration-token':
      return credential.forge === 'forgejo' ? needOfForgejo : needOfGitea
    case 'gitea':
      return needOfGitea
    case 'jit':
      return null
  }
}

export function isOlder(version: Version, than: Version): boolean {
  const at = version.findIndex((number, place) => number !== than[place])
  return at >= 0 && (version[at] ?? 0) < (than[at] ?? 0)
}

/** The version in what `--version` printed; null for none, and for a build between two versions, which may have more than its number says. */
export function versionIn(output: string): Version | null {
  const [, major, minor, patch = 0] = /(?:^|\s)v?(\d+)\.(\d+)(?:\.(\d+))?(?=\s|$)/.exec(output) ?? []
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor), Number(patch)]
}

/** Asks a program for its version; null when it tells none, or not in time. It is given no credential. */
export async function askVersion(
  { program, env, account }: Pick<Start, 'program' | 'env' | 'account'>,
  ports: { clock: Clock; signal: AbortSignal },
): Promise<Version | null> {
  const start = { program, args: ['--version'], env, account, cwd: '/' }
  const asked = await runToEnd(start, { input: '', bound, ...ports }).catch(() => null)
  return asked && asked.exit !== 'late' && asked.exit.code === 0 ? versionIn(asked.output) : null
}

/** What a runner of GitHub prints when its version is too old; run.sh then ends with 0 (actions/runner#3266), and only newer ones with 7 (#4285). */
export function deprecatedIn(output: string): string | null {
  return /Runner version v?(\S{1,32}) is deprecated/.exec(output)?.[1] ?? null
}

export interface ProgramVersions {
  /** Rejects with `DispatchRefused` when the program is surely too old. */
  refuseOld(start: Pick<Start, 'program' | 'env' | 'account'>, need: Need): Promise<void>
  /** GitHub has turned this program's version away. */
  shun(program: string, version: string | null): Promise<void>
  /** Rejects with `DispatchRefused` when that was a short while ago. */
  refuseShunned(program: string): Promise<void>
}

/** Remembers the versions of the runner programs of one dispatcher, each file asked once. */
export function createProgramVersions(ports: {
  clock: Clock
  note: (sentence: string) => void
  signal: AbortSignal
}): ProgramVersions {
  const { clock, note } = ports
  const asked = new Map<string, { version: Promise<Version | null>; at: number }>()
  const turnedAway = new Map<string, { why: string; until: number }>()
  const told = new Set<string>()

  return {
    async refuseOld(start, need) {
      const file = await fileOf(start.program)
      const installed = await installedVersion(start, file, need)
      if (installed === null || !isOlder(installed, need.oldest)) return
      const { what, fix } = tooOld(start.program, installed, need)
      throw new DispatchRefused(tell(file, `${what}: ${fix}`))
    },

    async shun(program, version) {
      const which = version === null ? 'the version' : `version ${version}`
      const why = `GitHub no longer gives jobs to ${which} of the runner ${program}: install the newest one`
      const file = await fileOf(program)
      turnedAway.set(file, { why: tell(file, why), until: clock.now() + shunned })
    },

    async refuseShunned(program) {
      const shun = turnedAway.get(await fileOf(program))
      if (shun && clock.now() < shun.until) throw new DispatchRefused(shun.why)
    },
  }

  async function installedVersion(
    start: Pick<Start, 'program' | 'env' | 'account'>,
    file: string,
    { oldest }: Need,
  ): Promise<Version | null> {
    const known = asked.get(file)
    const version = await known?.version
    if (known && (!version || !isOlder(version, oldest) || clock.now() - known.at < believed)) return version ?? null
    const asking = askVersion(start, ports)
    asked.set(file, { version: asking, at: clock.now() })
    return asking
  }

  function tell(file: string, sentence: string): string {
    if (!told.has(`${file} ${sentence}`)) note(sentence)
    told.add(`${file} ${sentence}`)
    return reason(sentence)
  }
}

/** What is so, and how to mend it. */
export function tooOld(program: string, installed: Version, { oldest, forge }: Need): { what: string; fix: string } {
  return {
    what: `${program} is version ${installed.join('.')}, which is too old for ${forge}`,
    fix: `install version ${oldest.join('.')} or later`,
  }
}

/** Another file at the same path is another program. */
async function fileOf(program: string): Promise<string> {
  try {
    const path = await realpath(program)
    const { dev, ino, mtimeMs, size } = await stat(path)
    return `${path} ${dev} ${ino} ${mtimeMs} ${size}`
  } catch {
    return program
  }
}
