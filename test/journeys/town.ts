import type { SimulatedJob } from '../../src/simulation/state.ts'
import type { SiteSettings } from '../../src/simulation/world.ts'
import type { RunningService } from '../support/service.ts'
import type { Dialect } from './dialects.ts'
import type { Stage } from './stage.ts'
import type { CloudOptions, StagedCloud } from './staged-cloud.ts'
import type { StagedForge } from './staged-forge.ts'
import { until } from './until.ts'

/** One forge, the service that watches it, and a cloud where its runners come and go. */
export interface Town {
  readonly dialect: Dialect
  readonly forge: StagedForge
  readonly cloud: StagedCloud
  /** The one that runs, or ran last. */
  service: RunningService
  /** Starts the service once more, on the state that it left. */
  restart(): Promise<void>
  /** Everything that the forge was ever asked to run has ended, and the service knows it. */
  over(): Promise<void>
  /** Nothing runs, nothing counts and nothing is registered any more. */
  empty(): Promise<void>
}

export interface TownOptions {
  target?: Record<string, unknown>
  instance?: Record<string, unknown>
  cloud?: CloudOptions
  settings?: SiteSettings
}

/** A town whose webhook is made and whose first look is over. */
export async function aTown(stage: Stage, dialect: Dialect, options: TownOptions = {}): Promise<Town> {
  const forge = await stage.forge(dialect.version, undefined, options.settings)
  const cloud = await stage.cloud(forge, options.cloud)
  const targets = [{ name: 'linux', labels: ['linux'], ttl: '90s', boot_timeout: '20s', ...options.target }]
  const beats = { poll_interval: '5s', reconcile_interval: '20s', webhook_grace: '10s' }
  const instance = forge.instance({ ...beats, targets, ...options.instance })
  const configuration = { dispatcher: { url: cloud.url }, instances: [instance] }
  const service = await stage.start(configuration)
  const town: Town = {
    dialect,
    forge,
    cloud,
    service,
    async restart() {
      town.service = await stage.start(configuration)
    },
    async over() {
      await until('every job has ended', () => jobsOf(forge).every(({ status }) => status === 'done'))
      await until('that is known', async () => (await town.service.jobs()).every(({ state }) => state === 'finished'))
    },
    async empty() {
      await until('no machine is left', () => cloud.alive.length === 0)
      await until('no place is taken', async () => (await town.service.list('dispatches?live=true')).length === 0)
      if (dialect.listsRunners) await until('nobody is registered', () => forge.runners.length === 0)
    },
  }
  await until('the webhook is made', () => forge.world.ground.hooks.size === 1)
  await service.look(forge.kind)
  return town
}

function jobsOf({ world }: StagedForge): SimulatedJob[] {
  return [...world.ground.jobs.values()]
}
