import { resolve } from 'node:path'
import { z } from 'zod'
import type { Fields } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { optionalText, text, variables } from '../../fields.ts'

export interface ProcessOptions {
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
  /** Where each runner gets a folder of its own; absolute. */
  workDir: string
  /** The system user that runners run as; null for our own. */
  user: string | null
  /** Added to the small environment that runners get. */
  env: Readonly<Record<string, string>>
}

/** How it is written, beside what every dispatcher has. */
export function processFields() {
  return {
    command: z
      .array(text('a text', /^[^\0]*$/), {
        error: told('a list of arguments', 'such as ["forgejo-runner", "one-job"]'),
      })
      .min(1, { error: told('a list with the program first') })
      .nullable()
      .prefault(null),
    work_dir: text('the path of a folder', /^[^\0]+$/).prefault('muster-work'),
    user: optionalText,
    env: variables.prefault({}),
  }
}

export function processOptions({
  command,
  work_dir,
  user,
  env,
}: Fields<ReturnType<typeof processFields>>): ProcessOptions {
  return { command, workDir: resolve(work_dir), user, env }
}
