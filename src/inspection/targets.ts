import { platform } from 'node:process'
import type { Config, DispatcherConfig, InstanceConfig } from '../config/config.ts'
import { type Finding, good, problem, warning } from '../core/finding.ts'
import type { Target } from '../core/target.ts'

/** What a label says of the system that it runs on. */
const systems: readonly { name: string; pattern: RegExp }[] = [
  { name: 'windows', pattern: /(^|[^a-z])windows([^a-z]|$)/i },
  { name: 'macos', pattern: /(^|[^a-z])(macos|darwin|osx)([^a-z]|$)/i },
]

const here = platform === 'win32' ? 'windows' : platform === 'darwin' ? 'macos' : 'linux'

/** Labels that a target offers and its dispatcher cannot give: `target_image`, `target_system`, `target_labels`. */
export function checkTargets(
  { dispatchers }: Pick<Config, 'dispatchers'>,
  { targets, forge }: InstanceConfig,
): Finding[] {
  const findings = targets.flatMap((target) => {
    const asked = [target.dispatcher, ...target.fallback].flatMap((name) => dispatchers.get(name) ?? [])
    return asked.flatMap((one) => [...image(target, one), ...system(target, one), ...labels(target, forge.kind, one)])
  })
  return findings.length > 0
    ? findings
    : [good('targets', `each of ${targets.length} targets has a dispatcher that can serve it`)]
}

function image({ name, image }: Target, { name: dispatcher, settings }: DispatcherConfig): Finding[] {
  if (settings.kind !== 'docker' && settings.kind !== 'kubernetes') return []
  if (image !== null || settings.options.image !== null) return []
  const message = `the target ${name} names no image, nor does its dispatcher ${dispatcher}: every start would be refused`
  return [problem('target_image', message, `set "image" on the target or on the dispatcher`)]
}

/** Containers share the kernel of their host, and processes its system; other services may have machines of any kind. */
function system(target: Target, { name, settings }: DispatcherConfig): Finding[] {
  const bound = settings.kind === 'process' ? here : settings.kind === 'docker' ? 'linux' : null
  const wished = systems.find(({ pattern }) => target.labels.some((label) => pattern.test(label)))?.name
  if (bound === null || wished === undefined || wished === bound) return []
  const message = `the target ${target.name} promises ${wished}, and its dispatcher ${name} runs on ${bound}`
  return [warning('target_system', message, 'give it a dispatcher that has such machines, or other labels')]
}

/** The runners of Forgejo and Gitea are told their labels in one list with commas. */
function labels(target: Target, forge: string, { settings }: DispatcherConfig): Finding[] {
  const split = target.labels.find((label) => label.includes(','))
  if (split === undefined || forge === 'github' || settings.kind === 'http') return []
  const message = `the target ${target.name} has a label with a comma, which the runner would read as two: ${split}`
  return [problem('target_labels', message, 'write two labels, or one without a comma')]
}
