import { parseArgs } from 'node:util'
import { check } from './commands/check.ts'
import { clean } from './commands/clean.ts'
import { type Command, type Given, options, Usage } from './commands/command.ts'
import { demo } from './commands/demo.ts'
import { explain } from './commands/explain.ts'
import { plan } from './commands/plan.ts'
import { serve } from './commands/serve.ts'
import { status } from './commands/status.ts'
import { version } from './version.ts'

/** Exit codes are part of the contract: 0 good, 1 failed, 64 bad arguments, 78 bad configuration. */
const exit = { failed: 1, usage: 64, config: 78 }

const commands: Record<string, Command> = { serve, demo, plan, check, clean, status, explain }
/** Promised, and not built yet: told plainly rather than taken for a mistake. */
const later = ['simulate']
/** The commands that are told what they are about. */
const withWords = ['explain']

const help = `muster: calls up CI runners for Forgejo, Gitea and GitHub when jobs need them

  muster serve   [--config autoscaler.yaml]   run the service (the default)
                 [--rebuild-state]            … and begin anew where the state is damaged; a sound one is kept
  muster demo    [--exit-when-idle] [--json]  see it at work on simulated forges; nothing else is needed
  muster plan    [--config …] [--json]        one look and its plan; nothing is done
  muster check   [--config …] [--json]        walk the real set-up: what is wrong, and how to mend it
  muster clean   [--config …] [--yes] [--json] our own offline registrations; only listed without --yes
  muster status  [--watch] [--json] [--url …] [--token-env NAME] [--config …]
                                              what the running service is at; live with --watch
  muster explain INSTANCE/JOB [--round N] [--json] [--url …] [--token-env NAME] [--config …]
                                              why a job of the running service has, or has not, a runner

Not built yet: ${later.join(', ')}.
Exit codes: 0 good, 1 failed, 64 bad arguments, 78 bad configuration.
`

async function main(argv: string[]): Promise<number> {
  const { values: wishes, positionals: words } = parseArgs({
    args: argv,
    options,
    allowPositionals: true,
    strict: false,
  })
  const [wish = ''] = words
  // Before its words and options are looked at: those are not known yet either.
  if (later.includes(wish) && !wishes.help) return fail(`"muster ${wish}" is not supported yet\n\n${help}`, exit.usage)
  let given: Given
  let name: string
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true })
    const [first = 'serve', ...rest] = positionals
    if (rest.length > 0 && !withWords.includes(first))
      throw new Usage(`"${rest[0]}" is one word too many after "${first}"`)
    name = first
    given = { ...values, words: rest }
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${help}`, exit.usage)
  }
  if (given.help) return say(help)
  if (given.version) return say(`${version()}\n`)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) return fail(`there is no command "${name}"\n\n${help}`, exit.usage)
  try {
    return await command(given)
  } catch (error) {
    return tell(error)
  }
}

/** Expected failures are one plain text; only a defect shows its stack. */
function tell(error: unknown): number {
  if (!(error instanceof Error)) return fail(`${String(error)}\n`, exit.failed)
  switch (error.name) {
    case 'ConfigInvalid':
      return fail(`${error.message}\n`, exit.config)
    case 'Usage':
      return fail(`${error.message}\n\n${help}`, exit.usage)
    case 'UnknownLogLevel':
      return fail(`${error.message}\n`, exit.usage)
    case 'StoreUnusable':
    case 'DispatcherUnusable':
    case 'CannotListen':
    case 'ServiceFailed':
    case 'RunningUnreadable':
      return fail(`${error.message}\n`, exit.failed)
    default:
      return fail(`${error.stack ?? error.message}\n`, exit.failed)
  }
}

function say(text: string): number {
  process.stdout.write(text)
  return 0
}

function fail(text: string, code: number): number {
  process.stderr.write(text)
  return code
}

process.exitCode = await main(process.argv.slice(2))
