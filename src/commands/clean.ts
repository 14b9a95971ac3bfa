import { loadConfig } from '../config/load.ts'
import { type Cleaned, clean as cleanUp } from '../inspection/clean.ts'
import type { Command } from './command.ts'
import { printable } from './printable.ts'

/** `muster clean`: our own offline registrations, which nobody will use any more. It only lists them unless `--yes` is given. */
export const clean: Command = async ({ config: file = 'autoscaler.yaml', json, yes = false }) => {
  const cleaned = await cleanUp(loadConfig(file), yes)
  if (json) process.stdout.write(`${JSON.stringify({ removed: yes, instances: cleaned }, null, 2)}\n`)
  else process.stdout.write(cleaned.map((one) => paragraph(one, yes)).join(''))
  return cleaned.some(({ error, offline }) => error !== null || offline.some((one) => one.error !== null)) ? 1 : 0
}

function paragraph({ instance, offline, error }: Cleaned, yes: boolean): string {
  const lines = [`${instance}: ${error ?? `${offline.length} offline registrations of ours`}`]
  for (const { id, name, removed, error } of offline) {
    const done = removed ? 'removed' : (error ?? (yes ? 'not removed' : 'would be removed with --yes'))
    lines.push(`  ${name} (id ${id}): ${done}`)
  }
  return `${lines.map(printable).join('\n')}\n`
}
