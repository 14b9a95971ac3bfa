import { changeSentence, changesBetween } from './config/changes.ts'
import type { Config } from './config/config.ts'
import { ConfigInvalid } from './config/invalid.ts'
import type { Refusal, Reload, Reloaded } from './config/reloaded.ts'
import { takeable } from './config/restart.ts'
import { eventAbout } from './core/event.ts'
import type { Parts } from './parts.ts'
import type { World } from './world.ts'

type ReloadParts = Pick<Parts, 'store' | 'clock' | 'log' | 'metrics' | 'scrubber'>

/** Reads the configuration again, prepares all that it needs, and only then lets the world adopt it, in one step. */
export function createReload(
  world: World,
  parts: ReloadParts,
  load: (() => Config) | null,
  stopping: AbortSignal,
): Reload {
  parts.metrics.reloadOk.set(1)
  parts.metrics.lastReload.set(parts.clock.now() / 1_000)
  return (by) => {
    let reloaded: Reloaded
    try {
      if (stopping.aborted) throw new Error('the service is stopping')
      if (load === null) throw new Error('this process was not started from a file')
      reloaded = adopted(world, load(), parts)
    } catch (error) {
      reloaded = { kind: 'refused', problems: problemsOf(error, parts) }
    }
    tell(reloaded, by, parts)
    return reloaded
  }
}

function adopted(world: World, wanted: Config, { log }: ReloadParts): Reloaded {
  const { config: before, described } = world
  const { config, restartNeeded } = takeable(before, wanted)
  const prepared = world.prepare(config)
  const changes = changesBetween(described, prepared.described)
  world.adopt(prepared)
  for (const warning of config.warnings) if (!before.warnings.includes(warning)) log.warn(warning)
  return { kind: 'adopted', changes, restartNeeded }
}

function problemsOf(error: unknown, { scrubber }: ReloadParts): Refusal[] {
  if (!(error instanceof ConfigInvalid)) {
    const message = error instanceof Error ? error.message : String(error)
    return [{ at: null, path: '', message: scrubber.scrub(message) }]
  }
  const { file } = error
  return error.problems.map(({ line, column, path, message }) => ({ at: `${file}:${line}:${column}`, path, message }))
}

function tell(reloaded: Reloaded, by: string, { store, clock, log, metrics }: ReloadParts): void {
  const about = { at: clock.now(), instance: '' }
  const isGood = reloaded.kind === 'adopted'
  metrics.reloadOk.set(isGood ? 1 : 0)
  metrics.reloads.inc({ result: reloaded.kind })
  if (isGood) {
    const { restartNeeded } = reloaded
    const changes = reloaded.changes.map(changeSentence)
    metrics.lastReload.set(about.at / 1_000)
    log.info({ by, changes }, 'the configuration was reloaded')
    if (restartNeeded.length > 0) log.warn({ keys: restartNeeded }, 'these keep their old value until the next start')
    append('config_reloaded', { by, changes: changes.join('; '), restart_needed: restartNeeded.join(', ') || null })
  } else {
    const problems = reloaded.problems.map(sentence)
    log.error({ by, problems }, 'the configuration is refused; the one before stays in force')
    append('config_refused', { by, problems: problems.length, first: problems[0] ?? null })
  }

  function append(type: 'config_reloaded' | 'config_refused', detail: Parameters<typeof eventAbout>[2]): void {
    store
      .append([eventAbout(type, about, detail)])
      .catch((error: unknown) => log.error({ err: error }, 'an event could not be recorded'))
  }
}

function sentence({ at, path, message }: Refusal): string {
  return [at, path].filter(Boolean).join(' ') + (at || path ? ': ' : '') + message
}
