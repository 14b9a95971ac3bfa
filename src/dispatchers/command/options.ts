import { resolve } from 'node:path'
import { z } from 'zod'
import { type Fields, isTree, mapping, type Spread, type Tree, valueAt } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { durationOf, flag, oneOf, text, variables } from '../../fields.ts'
import { type PresetOptions, presetNames, presets } from './presets/presets.ts'
import type { ToolTraits } from './tool.ts'

export interface CommandOptions {
  /** What starts the runners. */
  tool: ToolOptions
  /** Where the programs are run; null for where Muster runs. */
  workDir: string | null
  /** Added to `PATH`, `HOME` and `LANG`, which are all that the programs get. */
  env: Readonly<Record<string, string>>
  /** The runner's own program as an argument list; null for the one that fits the forge. */
  runner: readonly string[] | null
  /** Milliseconds until a program is killed that does not end. */
  launchTimeout: number
  listTimeout: number
  stopTimeout: number
}

/** A program of the user's own with what it can do, or a tool that is known here. */
export type ToolOptions = ({ kind: 'own'; command: readonly string[] } & ToolTraits) | PresetOptions

/** How long a command of the user's own gets to start a runner. Milliseconds. */
const usualLaunch = 5 * 60_000

const argv = z
  .array(text('a text', /^[^\0]*$/), { error: told('a list of arguments', 'such as ["/usr/local/bin/runners"]') })
  .min(1, { error: told('a list with the program first') })

/** How it is written, beside what every dispatcher has. */
export function commandFields() {
  return {
    command: tool,
    work_dir: text('the path of a folder', /^[^\0]+$/)
      .nullable()
      .prefault(null),
    env: variables.prefault({}),
    runner: argv.nullable().prefault(null),
    launch_timeout: durationOf({ least: 1 }).nullable().prefault(null),
    list_timeout: durationOf({ least: 1 }).prefault('30s'),
    stop_timeout: durationOf({ least: 1 }).prefault('1m'),
  }
}

export function commandOptions({
  command,
  work_dir,
  env,
  runner,
  launch_timeout,
  list_timeout,
  stop_timeout,
}: Fields<ReturnType<typeof commandFields>>): CommandOptions {
  return {
    tool: command.tool,
    workDir: work_dir === null ? null : resolve(work_dir),
    env,
    runner,
    launchTimeout: launch_timeout ?? command.launchTimeout,
    listTimeout: list_timeout,
    stopTimeout: stop_timeout,
  }
}

/** What a command of the user's own can do, as its user says. */
const ownFields = {
  command: argv,
  idempotent: flag.default(false),
  lists: flag.default(false),
  stops: flag.default(false),
  local: flag.default(false),
}

interface Chosen {
  tool: ToolOptions
  /** How long a start may take where the file does not say. Milliseconds. */
  launchTimeout: number
}

/** Either `command` with what it can do, or `preset` with that preset's own keys. */
const tool: Spread<Chosen> = {
  keys: () => [
    ...new Set(['command', 'preset', ...Object.keys(ownFields), ...presetNames.flatMap((name) => presets[name].keys)]),
  ],

  read(_, parent, tell) {
    const { command, preset } = { command: valueAt(parent, 'command'), preset: valueAt(parent, 'preset') }
    if (command !== undefined && preset !== undefined) {
      tell(['preset'], 'expected only one of command and preset, found 2')
      return undefined
    }
    if (command === undefined && preset === undefined) {
      tell(['command'], `expected command or preset (${presetNames.join(', ')}), found nothing`)
      return undefined
    }
    const written = picked(parent, tool.keys('command'))
    const own = mapping(ownFields).transform(
      (fields): Chosen => ({ tool: { kind: 'own', ...fields }, launchTimeout: usualLaunch }),
    )
    const schema = preset === undefined ? own : presetSchema(preset)
    const read = schema.safeParse(written)
    if (read.success) return read.data
    for (const { path, message } of read.error.issues) tell(path, message)
    return undefined
  },
}

function presetSchema(written: unknown): z.ZodType<Chosen> {
  const name = oneOf(presetNames).safeParse(written)
  if (!name.success)
    return z.unknown().transform((input, ctx) => {
      for (const { message } of name.error.issues) ctx.issues.push({ code: 'custom', path: ['preset'], message, input })
      return z.NEVER
    })
  const { schema, launchTimeout }: { schema: z.ZodType<PresetOptions>; launchTimeout: number } = presets[name.data]
  return schema.transform((tool) => ({ tool, launchTimeout }))
}

function picked(parent: Tree, keys: readonly string[]): Tree {
  return isTree(parent) ? Object.fromEntries(Object.entries(parent).filter(([key]) => keys.includes(key))) : {}
}
