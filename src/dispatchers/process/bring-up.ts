import { join } from 'node:path'
import { env as ourEnv } from 'node:process'
import type { Clock } from '../../clock.ts'
import type { Credential } from '../../core/credential.ts'
import { Scrubber } from '../../secret.ts'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import { reason } from '../reason.ts'
import { environment, type Recipe, recipe, secretsOf } from '../recipe.ts'
import type { Account } from './account.ts'
import { type GatedChild, runToEnd, type Start, startGated } from './child.ts'
import { type Limits, settingLimits, tryLimits } from './limits.ts'
import type { ProcessOptions } from './options.ts'
import type { Outputs } from './outputs.ts'
import { findProgram, ownCopy } from './program.ts'
import { emptyFolder, handOver, ownFile } from './work-folder.ts'

/** A registration that takes longer is given up: the programs of both forges ask an unreachable forge for ever. Milliseconds. */
const registrationBound = 60_000

export interface Runner {
  request: LaunchRequest
  options: ProcessOptions
  account: Account | null
  /** Its work folder; absolute. */
  folder: string
}

export interface Prepared {
  /** The dispatch id. */
  id: string
  credential: Credential
  recipe: Recipe
  start: Start
  limits: Limits
  scrubber: Scrubber
}

/** Finds out how the runner would be started, and touches nothing. Rejects with `DispatchRefused`. */
export async function prepare({ request, options, account, folder }: Runner): Promise<Prepared> {
  const { credential } = request
  if (!credential) throw new DispatchRefused('the runner was given no credential of the forge')
  const scrubber = new Scrubber()
  for (const secret of secretsOf(credential)) scrubber.add(secret)
  const made = recipe(request, credential, options.command, folder)
  const env = environment(request, { recipe: made, options: options.env, instanceUrl: credential.url, folder }, ourEnv)
  const program = await findProgram(made.programs, env.PATH ?? '')
  if (!program) throw new DispatchRefused(notFound(made, options.command))
  if (credential.kind === 'jit') env.ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE = '1'
  const start = { program, args: made.args, cwd: folder, env, account }
  return { id: request.id, credential, recipe: made, start, limits: options.limits, scrubber }
}

/** Makes the work folder, registers the runner where that is a step of its own, and starts it behind its gate. */
export async function bringUp(
  { id, recipe, start, limits, scrubber }: Prepared,
  { outputs, clock, signal }: { outputs: Outputs; clock: Clock; signal: AbortSignal },
): Promise<GatedChild> {
  const { cwd: folder, account } = start
  await tryLimits(limits, { account, cwd: '/' }, { clock, signal })
  await emptyFolder(folder, account)
  const program = await ownCopy(start.program, folder, account, signal)
  for (const [name, content] of Object.entries(recipe.files)) await ownFile(join(folder, name), content, account)
  await handOver(folder, account)
  if (recipe.registration) await register({ ...start, program }, recipe.registration, scrubber, clock, signal)
  signal.throwIfAborted()
  const output = await outputs.begin(id, account)
  try {
    return await startGated({ ...start, program }, output.fd, settingLimits(limits))
  } finally {
    await output.close()
  }
}

async function register(
  start: Start,
  { args, input, env }: NonNullable<Recipe['registration']>,
  scrubber: Scrubber,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const step = { ...start, args, env: { ...start.env, ...env } }
  const { exit, output } = await runToEnd(step, { input, bound: registrationBound, clock, signal })
  signal.throwIfAborted()
  if (exit !== 'late' && exit.code === 0) return
  const how = exit === 'late' ? 'did not end in time' : `ended with ${exit.signal ?? `exit code ${exit.code}`}`
  throw new DispatchRefused(reason(`the runner's registration ${how}: ${lastWords(scrubber.scrub(output))}`, scrubber))
}

function notFound({ programs, product }: Recipe, command: readonly string[] | null): string {
  if (command)
    return reason(`the command "${product}" was not found or cannot be run: mend "command" of the dispatcher`)
  return `${programs.join(' or ')} was not found on PATH: install ${product}, or set "command" of the dispatcher`
}

function lastWords(output: string): string {
  return output.trim().slice(-160)
}
