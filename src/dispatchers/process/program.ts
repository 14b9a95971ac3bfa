import { constants } from 'node:fs'
import { access, cp, lchown, realpath, stat } from 'node:fs/promises'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import type { Account } from './account.ts'

/** The absolute path of the first of these programs that can be run; null when none can. One with a slash is not looked for on PATH. */
export async function findProgram(programs: readonly string[], path: string): Promise<string | null> {
  for (const program of programs) {
    const places = program.includes('/')
      ? [resolve(program)]
      : path
          .split(delimiter)
          .filter(Boolean)
          .map((folder) => join(folder, program))
    for (const place of places) if (await isExecutable(place)) return place
  }
  return null
}

/**
 * The runner of GitHub keeps its registration beside its own program, so two in one folder overwrite each other: each gets a copy.
 * Answers the program to run: the copy's, or the given one when it is another kind of program. Blocks are shared where the file system can.
 * The signal ends it between two files: it may be a gigabyte, and a shutdown has ten seconds.
 */
export async function ownCopy(
  program: string,
  folder: string,
  account: Account | null,
  signal: AbortSignal,
): Promise<string> {
  const home = dirname(await realpath(program))
  if (!(await isExecutable(join(home, 'bin', 'Runner.Listener')))) return program
  const copy = join(folder, 'runner')
  await cp(home, copy, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
    filter(source) {
      signal.throwIfAborted()
      return dirname(source) !== home || !leftover.test(basename(source))
    },
  })
  if (account) await lchown(copy, account.uid, account.gid)
  return join(copy, basename(await realpath(program)))
}

// What an earlier registration or run left in the folder.
const leftover = /^(\.runner|\.credentials.*|_work|_diag)$/

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
