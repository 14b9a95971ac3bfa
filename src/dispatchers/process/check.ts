import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { env, getuid, platform } from 'node:process'
import { systemClock } from '../../clock.ts'
import { type Finding, good, note, problem, warning } from '../../core/finding.ts'
import { type RunnerProgram, runnerPrograms } from '../recipe.ts'
import { type Account, accountOf } from './account.ts'
import { checkLimits, settingLimits, tryLimits } from './limits.ts'
import type { ProcessOptions } from './options.ts'
import { findProgram } from './program.ts'
import {
  askVersion,
  isOlder,
  type Need,
  needOfForgejo,
  needOfForgejo15,
  needOfGitea,
  tooOld,
  type Version,
} from './program-version.ts'

const ports = { clock: systemClock, signal: new AbortController().signal }

/** What a runner of each forge needs at least, and where that is not enough for all versions of the forge, what it needs for these. */
const needs: ReadonlyMap<string, { least: Need; most: Need }> = new Map([
  ['forgejo', { least: needOfForgejo, most: needOfForgejo15 }],
  ['gitea', { least: needOfGitea, most: needOfGitea }],
])

/**
 * What `muster check` says of processes on this host: `runner_program` and `runner_version` of each forge that uses them, `work_dir`, `user`,
 * `limits`. It takes up nothing that an earlier process left. A program has 10 s to tell its version.
 */
export async function checkProcess(options: ProcessOptions, forges: readonly string[]): Promise<readonly Finding[]> {
  const { command, workDir, user } = options
  const { account, findings } = accountFindings(user)
  const programs = command
    ? [(await programFinding(ownProgram(command), options)).finding]
    : (await Promise.all(forges.map((forge) => runnerFindings(forge, options, account)))).flat()
  const asRoot = command === null && forges.includes('github') ? rootFindings(options, account) : []
  return [
    ...programs,
    await folder(workDir, account),
    ...findings,
    ...asRoot,
    ...(await limitFindings(options, account)),
  ]
}

function ownProgram([program = '']: readonly string[]): RunnerProgram {
  return { programs: [program], product: program }
}

async function runnerFindings(forge: string, options: ProcessOptions, account: Account | null): Promise<Finding[]> {
  const runner = runnerPrograms.get(forge)
  if (!runner) return []
  const { program, finding } = await programFinding(runner, options)
  const need = needs.get(forge)
  if (program === null || !need) return [finding]
  const start = { program, account, env: { PATH: pathOf(options), ...options.env } }
  return [finding, versionFinding(program, await askVersion(start, ports), need)]
}

async function programFinding(
  { programs, product }: RunnerProgram,
  options: ProcessOptions,
): Promise<{ program: string | null; finding: Finding }> {
  const program = await findProgram(programs, pathOf(options))
  const finding = program
    ? good('runner_program', `the runner ${program} can be run`)
    : problem(
        'runner_program',
        `${programs.join(' or ')} was not found on PATH or cannot be run`,
        `install ${product}, or set "command"`,
      )
  return { program, finding }
}

function pathOf({ env: own }: ProcessOptions): string {
  return own.PATH ?? env.PATH ?? ''
}

function versionFinding(
  program: string,
  version: Version | null,
  { least, most }: { least: Need; most: Need },
): Finding {
  if (version === null)
    return note('runner_version', `${program} tells no version, so nobody knows whether it is new enough`)
  for (const [level, need] of [
    [problem, least],
    [warning, most],
  ] as const) {
    const { what, fix } = tooOld(program, version, need)
    if (isOlder(version, need.oldest)) return level('runner_version', what, fix)
  }
  return good('runner_version', `${program} is version ${version.join('.')}`)
}

/** It is made with the first runner, so what has to be there is a folder above it that we may write in. */
async function folder(workDir: string, account: Account | null): Promise<Finding> {
  const made = await stat(workDir).catch(() => null)
  const isTheirs = made && account && (made.uid === account.uid || (made.mode & 0o022) !== 0)
  if (isTheirs)
    return problem(
      'work_dir',
      `${workDir} can be written by runners, which could then lead Muster astray as root`,
      `chown root ${workDir} && chmod 711 ${workDir}`,
    )
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

function accountFindings(user: string | null): { account: Account | null; findings: Finding[] } {
  if (user === null) return { account: null, findings: [] }
  try {
    return { account: accountOf(user), findings: [good('user', `runners run as ${user}`)] }
  } catch (error) {
    const findings = [problem('user', (error as Error).message, 'make that user, or leave "user" out')]
    return { account: null, findings }
  }
}

/** run-helper.sh then ends at once, and run.sh says that all was well. */
function rootFindings({ env: own }: ProcessOptions, account: Account | null): Finding[] {
  if (!isRoot(account) || own.RUNNER_ALLOW_RUNASROOT) return []
  const fix = 'set "user" of the dispatcher, or RUNNER_ALLOW_RUNASROOT: "1" in its "env"'
  return [warning('user', 'the runner of GitHub does not run as root, unless it is told to', fix)]
}

function isRoot(account: Account | null): boolean {
  return (account?.uid ?? getuid?.()) === 0
}

async function limitFindings({ limits }: ProcessOptions, account: Account | null): Promise<Finding[]> {
  if (settingLimits(limits) === '') return []
  try {
    checkLimits(limits, platform)
    await tryLimits(limits, { account, cwd: '/' }, ports)
  } catch (error) {
    return [
      problem('limits', (error as Error).message, 'lower it, or raise what the service that runs Muster may have'),
    ]
  }
  if (limits.processes !== null && isRoot(account))
    return [warning('limits', '"limits.processes" does not hold for root', 'set "user" of the dispatcher')]
  return [good('limits', 'the limits can be set')]
}
