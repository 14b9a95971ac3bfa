import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { env } from 'node:process'
import { type Finding, good, problem } from '../../core/finding.ts'
import { runnerPrograms } from '../recipe.ts'
import { accountOf } from './account.ts'
import type { ProcessOptions } from './options.ts'
import { findProgram } from './program.ts'

/**
 * What `muster check` says of processes on this host: `runner_program` of each forge that uses them, `work_dir`, `user`. It takes up nothing
 * that an earlier process left.
 */
export async function checkProcess(
  { command, workDir, user, env: own }: ProcessOptions,
  forges: readonly string[],
): Promise<readonly Finding[]> {
  const path = own.PATH ?? env.PATH ?? ''
  const findings: Finding[] = []
  for (const { programs, product } of command
    ? [ownProgram(command)]
    : forges.flatMap((forge) => runnerPrograms.get(forge) ?? [])) {
    const found = await findProgram(programs, path)
    const names = programs.join(' or ')
    findings.push(
      found
        ? good('runner_program', `the runner ${found} can be run`)
        : problem(
            'runner_program',
            `${names} was not found on PATH or cannot be run`,
            `install ${product}, or set "command"`,
          ),
    )
  }
  return [...findings, await folder(workDir), ...(user === null ? [] : [account(user)])]
}

function ownProgram([program = '']: readonly string[]): { programs: readonly string[]; product: string } {
  return { programs: [program], product: program }
}

/** It is made with the first runner, so what has to be there is a folder above it that we may write in. */
async function folder(workDir: string): Promise<Finding> {
  for (let path = workDir; ; path = dirname(path)) {
    try {
      await access(path, constants.W_OK | constants.X_OK)
      return good('work_dir', `runners get their folders in ${workDir}`)
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (isMissing && path !== dirname(path)) continue
      return problem(
        'work_dir',
        `${path} cannot be written`,
        `let Muster write there, or set "work_dir" to another folder`,
      )
    }
  }
}

function account(user: string): Finding {
  try {
    accountOf(user)
    return good('user', `runners run as ${user}`)
  } catch (error) {
    return problem('user', (error as Error).message, 'make that user, or leave "user" out')
  }
}
