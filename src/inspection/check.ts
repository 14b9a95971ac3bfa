import { systemClock } from '../clock.ts'
import type { Config, DispatcherConfig, InstanceConfig } from '../config/config.ts'
import { type Finding, good, note, problem, warning } from '../core/finding.ts'
import type { Target } from '../core/target.ts'
import { checkDispatcher } from '../dispatchers/index.ts'
import { createLog } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { openForge } from '../parts.ts'
import { Scrubber } from '../secret.ts'
import { type Running, RunningUnreadable, running } from './running.ts'
import { checkSecrets } from './secrets.ts'
import { checkTargets } from './targets.ts'

/** What was found about one thing. */
export interface Examined {
  /** `configuration`, `instance` or `dispatcher`. */
  kind: 'configuration' | 'instance' | 'dispatcher'
  /** Its name; null for the configuration. */
  name: string | null
  findings: readonly Finding[]
}

/** How long one forge or one dispatcher may take. Milliseconds. */
const bound = 60_000
const hour = 3_600_000

/** Walks the real set-up behind a configuration: `muster check`. Nothing is changed and nothing is started. */
export async function examine(config: Config): Promise<Examined[]> {
  const service = await present(config)
  const instances = config.instances.map(async (one): Promise<Examined> => {
    const findings = [
      ...(await aboutForge(config, one)),
      ...checkTargets(config, one),
      ...checkSecrets(one, service.running),
    ]
    return { kind: 'instance', name: one.name, findings }
  })
  const dispatchers = [...config.dispatchers.values()].map(async (one): Promise<Examined> => {
    return { kind: 'dispatcher', name: one.name, findings: await aboutDispatcher(config, one) }
  })
  const warnings = config.warnings.map((text) =>
    warning('configuration', text, 'mend it in the file, or leave it where it is meant so'),
  )
  const findings = [good('configuration', 'the file can be used'), ...warnings, service.finding]
  return [{ kind: 'configuration', name: null, findings }, ...(await Promise.all([...instances, ...dispatchers]))]
}

async function present(config: Config): Promise<{ running: Running | null; finding: Finding }> {
  try {
    const found = await running(config)
    if (found) return { running: found, finding: good('service', 'the service runs here on this configuration') }
    return { running: null, finding: note('service', 'the service does not run here: nothing is known of deliveries') }
  } catch (error) {
    if (!(error instanceof RunningUnreadable)) throw error
    const fix = 'let admin.tokens have a token, and check with the file that the service runs on'
    return { running: null, finding: warning('service', error.message, fix) }
  }
}

async function aboutForge(config: Config, instance: InstanceConfig): Promise<readonly Finding[]> {
  const deps = { clock: systemClock, metrics: createMetrics(), log: quiet(config) }
  const { webhook, pollInterval, reconcileInterval, disablePolling, targets } = instance
  const registers = dispatchersOf(config, instance).some((name) => needsCredentials(config, name))
  const query = {
    labels: [...new Set(targets.flatMap(({ offers }) => offers))],
    hook: webhook && { url: webhook.url, events: webhook.events, active: webhook.active },
    registers,
    isolated: targets.every((target) => isIsolated(config, target)),
    looksPerHour: {
      polling: disablePolling ? 0 : hour / pollInterval,
      reconciling: reconcileInterval === 0 ? 0 : hour / reconcileInterval,
    },
  }
  return (await openForge(instance, deps).check?.(query, AbortSignal.timeout(bound))) ?? []
}

/** Only other services see to the credentials of their runners themselves. */
function needsCredentials({ dispatchers }: Config, name: string): boolean {
  return dispatchers.get(name)?.settings.kind !== 'http'
}

/** Those of its targets, and the one of what callers of the dispatcher API ask for beside them. */
function dispatchersOf({ dispatcherApi }: Config, { name, targets }: InstanceConfig): string[] {
  const place = dispatcherApi?.places.get(name)
  return [...targets.flatMap((one) => [one.dispatcher, ...one.fallback]), ...(place ? [place.dispatcher] : [])]
}

/** Of what other services and programs start, nobody here knows. */
function isIsolated({ dispatchers }: Config, { dispatcher, fallback }: Target): boolean {
  const isolating: readonly (string | undefined)[] = ['docker', 'kubernetes', 'nomad']
  return [dispatcher, ...fallback].every((name) => isolating.includes(dispatchers.get(name)?.settings.kind))
}

async function aboutDispatcher(config: Config, dispatcher: DispatcherConfig): Promise<readonly Finding[]> {
  const users = config.instances.filter((one) => dispatchersOf(config, one).includes(dispatcher.name))
  if (users.length === 0)
    return [warning('dispatcher_used', 'no target uses it', 'name it in a target, or take it out of the file')]
  const forges = [...new Set(users.map(({ forge }) => forge.kind))]
  const log = quiet(config)
  const context = {
    name: dispatcher.name,
    owner: config.owner,
    clock: systemClock,
    note: (text: string) => log.info(text),
  }
  const findings = await checkDispatcher(dispatcher.settings, context, forges, AbortSignal.timeout(bound))
  return findings.length > 0 ? findings : [problem('dispatcher', 'nothing can be said of it', 'look at its log')]
}

function quiet(config: Config) {
  return createLog({ scrubber: new Scrubber(config.secrets), level: 'silent' })
}
