import { loadConfig } from '../config/load.ts'
import { plannedInstances } from '../inspection/plan.ts'
import type { PlannedInstance } from '../worker/preview.ts'
import type { Command } from './command.ts'
import { printable } from './printable.ts'

/** `muster plan`: one look at each forge and what would follow from it, as if nothing had been dispatched yet. Nothing is done. */
export const plan: Command = async ({ config: file = 'autoscaler.yaml', json }) => {
  const planned = await plannedInstances(loadConfig(file))
  process.stdout.write(
    json ? `${JSON.stringify({ instances: planned }, null, 2)}\n` : planned.map(paragraph).join('\n'),
  )
  return planned.some(({ error }) => error !== null) ? 1 : 0
}

export function paragraph({ instance, forge, version, error, jobs, runners, wanted }: PlannedInstance): string {
  const lines = [`${instance} (${forge}${version ? ` ${version}` : ''})`]
  if (error) lines.push(`  could not see everything: ${error}`)
  lines.push(`  ${runners} runners listed, ${jobs.length} open jobs`)
  for (const { id, name, repository, labels, verdict, reason, target } of jobs) {
    const why = [verdict, reason && `(${reason})`, target && `→ ${target}`].filter(Boolean).join(' ')
    lines.push(`  job ${id} ${name} of ${repository ?? 'an unknown repository'} [${labels.join(', ')}]: ${why}`)
  }
  for (const { target, count } of wanted) lines.push(`  would ask for ${count} × ${target}`)
  if (wanted.length === 0) lines.push('  would ask for no runner')
  return `${lines.map(printable).join('\n')}\n`
}
