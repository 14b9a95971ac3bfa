import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { ConfigInvalid, type Problem } from '../../src/config/invalid.ts'
import { loadConfig } from '../../src/config/load.ts'

export type Environment = Readonly<Record<string, string>>

/** A folder that is gone after the test. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'muster-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Loads a configuration with this text, from a folder where a test may lay other files beside it. */
export function load(text: string | Uint8Array, environment: Environment = {}, folder: string = aFolder()): Config {
  const file = join(folder, 'autoscaler.yaml')
  writeFileSync(file, text)
  return loadConfig(file, environment)
}

/** The refusal of a text; a text that loads fails the test. */
export function refusal(
  text: string | Uint8Array,
  environment: Environment = {},
  folder: string = aFolder(),
): ConfigInvalid {
  try {
    load(text, environment, folder)
  } catch (error) {
    if (error instanceof ConfigInvalid) return error
    throw error
  }
  throw new Error('the configuration was expected to be refused, and loaded')
}

/** The lines of the refusal, without the folder. */
export function refused(
  text: string | Uint8Array,
  environment: Environment = {},
  folder: string = aFolder(),
): string[] {
  return refusal(text, environment, folder).message.replaceAll(`${folder}/`, '').split('\n')
}

export function messages(problems: readonly Problem[]): string[] {
  return problems.map(({ message }) => message)
}

export interface Lines {
  forge?: string
  scope?: string
  target?: readonly string[]
  instance?: readonly string[]
  top?: readonly string[]
}

/** A small configuration that is right. What is added begins on line 6: to its target, then to its instance, then at the top. */
export function yaml({ forge, scope, target = [], instance = [], top = [] }: Lines = {}): string {
  return [
    'instances:',
    '  - name: main',
    `    ${forge ?? 'forgejo: { base_url: "https://git.example.org", token: token-of-main }'}`,
    `    scope: ${scope ?? '{ level: organization, owner: acme }'}`,
    '    targets: [{ labels: [linux] }]'.replace(/.*/, (usual) => (target.length > 0 ? '    targets:' : usual)),
    ...target.map((line, index) => (index === 0 ? `      - ${line}` : `        ${line}`)),
    ...instance.map((line) => `    ${line}`),
    ...top,
    '',
  ].join('\n')
}
