import { loadConfig } from '../config/load.ts'
import type { Finding } from '../core/finding.ts'
import { type Examined, examine } from '../inspection/check.ts'
import type { Command } from './command.ts'
import { printable } from './printable.ts'

/** `muster check`: walks the real set-up, one line per finding, each with its fix. Exits with 1 when a job would get no runner. */
export const check: Command = async ({ config: file = 'autoscaler.yaml', json }) => {
  const examined = await examine(loadConfig(file))
  const findings = examined.flatMap((one) => one.findings)
  const failed = findings.some(({ level }) => level === 'problem')
  if (json) process.stdout.write(`${JSON.stringify({ ok: !failed, checked: examined }, null, 2)}\n`)
  else process.stdout.write(`${examined.map(paragraph).join('\n')}\n${summary(findings)}\n`)
  return failed ? 1 : 0
}

const marks: Record<Finding['level'], string> = {
  good: 'ok     ',
  note: 'note   ',
  warning: 'warning',
  problem: 'PROBLEM',
}

function paragraph({ kind, name, findings }: Examined): string {
  const lines = findings.map(({ level, check, message, fix }) => {
    const line = `  ${marks[level]}  ${check}: ${message}`
    return fix === null ? line : `${line}\n           → ${fix}`
  })
  return `${name === null ? kind : `${kind} ${name}`}\n${lines.flatMap((line) => line.split('\n').map(printable)).join('\n')}\n`
}

function summary(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((one) => one.level === level).length
  const [problems, warnings] = [count('problem'), count('warning')]
  const plural = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`
  if (problems > 0)
    return `${plural(problems, 'problem')} and ${plural(warnings, 'warning')}: some jobs would get no runner`
  return warnings > 0 ? `${plural(warnings, 'warning')}, no problem` : 'everything is as it should be'
}
