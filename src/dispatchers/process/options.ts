import { resolve } from 'node:path'
import { z } from 'zod'
import { type Fields, mapping } from '../../fields/mapping.ts'
import { told } from '../../fields/refusal.ts'
import { byteSize, durationOf, optionalText, text, variables, wholeNumber } from '../../fields.ts'
import type { Limits } from './limits.ts'
import type { OutputOptions } from './outputs.ts'

export interface ProcessOptions {
  /** The runner command as an argument list; null for the one that fits the forge's runner. */
  command: readonly string[] | null
  /** Where each runner gets a folder of its own; absolute. */
  workDir: string
  /** The system user that runners run as; null for our own. */
  user: string | null
  /** Added to the small environment that runners get. */
  env: Readonly<Record<string, string>>
  limits: Limits
  output: OutputOptions
}

const [mebibyte, gibibyte] = [2 ** 20, 2 ** 30]

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
    limits: mapping(limitFields()).prefault({}),
    output: mapping(outputFields()).prefault({}),
  }
}

function limitFields() {
  return {
    // Below, no runner begins.
    memory: byteSize(16 * mebibyte, Number.MAX_SAFE_INTEGER)
      .nullable()
      .default(null),
    cpu_time: durationOf({ least: 1_000 }).nullable().default(null),
    open_files: wholeNumber(16, 2 ** 20)
      .nullable()
      .default(null),
    processes: wholeNumber(1, 2 ** 22)
      .nullable()
      .default(null),
    file_size: byteSize(mebibyte, Number.MAX_SAFE_INTEGER).nullable().default(null),
  }
}

function outputFields() {
  return {
    max_size: byteSize(4_096, gibibyte).prefault(10 * mebibyte),
    keep: wholeNumber(0, 100).default(1),
    ended: wholeNumber(0, 10_000).default(20),
    ended_age: durationOf().prefault('168h'),
    ended_size: byteSize(0, Number.MAX_SAFE_INTEGER).prefault(100 * mebibyte),
  }
}

export function processOptions({
  command,
  work_dir,
  user,
  env,
  limits,
  output,
}: Fields<ReturnType<typeof processFields>>): ProcessOptions {
  return {
    command,
    workDir: resolve(work_dir),
    user,
    env,
    limits: {
      memory: limits.memory,
      cpuTime: limits.cpu_time,
      openFiles: limits.open_files,
      processes: limits.processes,
      fileSize: limits.file_size,
    },
    output: {
      maxSize: output.max_size,
      keep: output.keep,
      ended: output.ended,
      endedAge: output.ended_age,
      endedSize: output.ended_size,
    },
  }
}
