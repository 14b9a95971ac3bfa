import type { Credential } from '../core/credential.ts'
import type { LaunchRequest } from './dispatcher.ts'
import { DispatchRefused } from './errors.ts'
import { recipe, told } from './recipe.ts'

/** How a runner starts on a machine that is not ours: one script that brings its credential along. */
export interface StartScript {
  /** For `/bin/sh`, any POSIX one. It is itself a credential: it goes into a file, a secret or standard input, never into arguments or labels. */
  script: string
  /** What everybody may see: the target's `env` and what every runner is told of itself. The script sets them, too. */
  env: Readonly<Record<string, string>>
}

/**
 * The script that starts one runner: it lays the credential into a folder of its own (`$MUSTER_HOME`, else one in `$TMPDIR`), registers where
 * that is a step of its own, and becomes the runner. `command` is the user's own in place of the forge's usual one. Rejects with
 * `DispatchRefused` what the runner's command line could misread.
 */
export function startScript(
  request: LaunchRequest,
  credential: Credential,
  command: readonly string[] | null = null,
): StartScript {
  const made = recipe(request, credential, command, here)
  const env = { ...request.env, ...told(request, credential.url) }
  const odd = Object.keys(env).find((name) => !/^[A-Za-z_]\w*$/.test(name))
  if (odd !== undefined)
    throw new DispatchRefused(`the env of the target has the name "${odd}", which no shell can set`)
  const lines = [
    '#!/bin/sh',
    'set -eu',
    'umask 077',
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`),
    // A second start of the same container finds its folder as the first one left it.
    `MUSTER_HOME="\${MUSTER_HOME:-\${TMPDIR:-/tmp}/${request.name}}"`,
    'export MUSTER_HOME',
    'mkdir -p "$MUSTER_HOME"',
    'cd "$MUSTER_HOME"',
    ...Object.entries(made.files).map(([name, content]) => `printf %s ${quoted(content)} > ${quoted(name)}`),
    ...program(made.programs, made.product),
    ...registered(made.registration),
    ...Object.entries(made.env).map(([name, value]) => `export ${name}=${inHome(value)}`),
    `exec "$program" ${made.args.map(inHome).join(' ')}`.trimEnd(),
  ]
  return { script: `${lines.join('\n')}\n`, env }
}

/** Stands in the recipe for the folder, which only the script knows. */
const here = '/.muster-home'

function program(programs: readonly string[], product: string): string[] {
  return [
    'program=',
    `for candidate in ${programs.map(quoted).join(' ')}; do`,
    // The runner of GitHub lies beside its own files, in the home of the image's user. What a service of systemd starts has no `HOME`.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the shell's
    '  for place in "$candidate" "${HOME:-/root}/$candidate" "/home/runner/$candidate"; do',
    '    [ -n "$program" ] || program="$(command -v "$place" || true)"',
    '  done',
    'done',
    `[ -n "$program" ] || { echo ${quoted(`${programs.join(' or ')} was not found: the image needs ${product}`)} >&2; exit 127; }`,
  ]
}

function registered(registration: ReturnType<typeof recipe>['registration']): string[] {
  if (!registration) return []
  const { args, input, env } = registration
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
  const call = [...variables, '"$program"', ...args.map(inHome)].join(' ')
  return [`printf %s ${quoted(input)} > .answers`, `${call} < .answers`, 'rm -f .answers']
}

/** One word for the shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The same, with the folder's path put in where the recipe names it. */
function inHome(text: string): string {
  return text.split(here).map(quoted).join('"$MUSTER_HOME"')
}
