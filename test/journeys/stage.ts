import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as base, expect } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import type { ForgeVersion } from '../../src/simulation/versions.ts'
import type { SiteSettings } from '../../src/simulation/world.ts'
import { Canaries } from '../support/canaries.ts'
import { freePort } from '../support/free-port.ts'
import { quickClock } from '../support/quick-clock.ts'
import { type RunningService, startService } from '../support/service.ts'
import { type CloudOptions, type StagedCloud, stagedCloud } from './staged-cloud.ts'
import { type StagedDispatcher, stagedDispatcher } from './staged-dispatcher.ts'
import { type StagedForge, stagedForge } from './staged-forge.ts'

/** Everything that one journey needs, of which nothing is left when it ends. */
export interface Stage {
  readonly folder: string
  readonly clock: Clock
  /** Of the public listener, known before anything listens, for webhooks. */
  readonly port: number
  readonly canaries: Canaries
  forge(version: ForgeVersion, name?: string, settings?: SiteSettings): Promise<StagedForge>
  dispatcher(): Promise<StagedDispatcher>
  /** A dispatcher whose runners join this forge. */
  cloud(forge: StagedForge, options?: CloudOptions): Promise<StagedCloud>
  /** Starts the service; once more on the same stage it finds its state again. */
  start(configuration: Record<string, unknown>, env?: NodeJS.ProcessEnv): Promise<RunningService>
  /** Called when the journey ends, the last one first. */
  onEnd(letGo: () => unknown): void
}

/** The three forges, in versions that tell of each job by webhook. */
export const forges = [
  { kind: 'forgejo', version: 15, jobEvents: true },
  { kind: 'gitea', version: '1.26' },
  { kind: 'github' },
] as const satisfies readonly ForgeVersion[]

/**
 * A test of the whole application, on a clock that runs `speed` times as fast as the wall's: minutes that are promised pass in seconds.
 * At its end no secret may stand in a log line, an answer of the API, a metric or the state.
 */
export function journey(speed = 10) {
  return base.extend<{ stage: Stage }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest finds the fixtures that a fixture needs in this pattern
    stage: async ({}, use) => {
      const endings: (() => unknown)[] = []
      const services: RunningService[] = []
      const stage = await openStage(speed, services, (end) => void endings.unshift(end))
      const failures: unknown[] = []
      const attempt = async (step: () => unknown) => {
        try {
          await step()
        } catch (error) {
          failures.push(error)
        }
      }
      await attempt(async () => {
        await use(stage)
        await expectNoSecret(stage, services)
      })
      // One that fails keeps no other from being let go.
      for (const end of endings) await attempt(end)
      if (failures.length > 0) throw failures[0]
    },
  })
}

async function openStage(speed: number, services: RunningService[], onEnd: Stage['onEnd']): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-journey-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const clock = quickClock(speed)
  const canaries = new Canaries()
  const port = await freePort()
  return {
    folder,
    clock,
    port,
    canaries,
    onEnd,
    async forge(version, name, settings) {
      const forge = await stagedForge(version, { clock, canaries, port, name, settings })
      onEnd(() => forge.close())
      return forge
    },
    async dispatcher() {
      const dispatcher = await stagedDispatcher()
      onEnd(() => dispatcher.close())
      return dispatcher
    },
    async cloud(forge, options) {
      const cloud = await stagedCloud(forge, clock, options)
      onEnd(() => cloud.close())
      return cloud
    },
    async start(configuration, env) {
      const usual = {
        listen: `127.0.0.1:${port}`,
        admin: { listen: '127.0.0.1:0' },
        state: `sqlite:${join(folder, 'muster.db')}`,
      }
      const started = await startService({ ...usual, ...configuration }, { folder, clock, env })
      const service: RunningService = {
        ...started,
        rewrite: (other) => started.rewrite(typeof other === 'string' ? other : { ...usual, ...other }),
      }
      services.push(service)
      onEnd(() => service.stop())
      return service
    },
  }
}

const pages = ['instances', 'targets', 'jobs', 'runners', 'dispatchers', 'dispatches', 'events']

async function expectNoSecret({ folder, canaries }: Stage, services: readonly RunningService[]): Promise<void> {
  const texts: Record<string, string> = {}
  for (const [index, service] of services.entries()) {
    // One that was stopped by the journey has answered what it was asked before.
    const isUp = await fetch(`${service.adminUrl}/readyz`).then(
      () => true,
      () => false,
    )
    if (isUp) {
      for (const page of pages) await service.list(page)
      await service.get('openapi.json')
      await service.metric('muster_mode')
    }
    await service.stop()
    texts[`log ${index}`] = service.log.join('')
    texts[`answers ${index}`] = service.answers.join('\n')
  }
  const stateFiles = (await readdir(folder)).filter((file) => file.startsWith('muster.db'))
  for (const file of stateFiles) texts[file] = await readFile(join(folder, file), 'latin1')
  const found = Object.entries(texts).flatMap(([where, text]) =>
    canaries.in(text).map((secret) => `${secret.slice(0, 24)}… in the ${where}`),
  )
  expect(found).toEqual([])
  // The search itself finds what is there: the configuration holds the secrets of each forge.
  const configuration = await readFile(join(folder, 'autoscaler.yaml'), 'utf8').catch(() => null)
  if (configuration !== null) expect(canaries.in(configuration).length).toBeGreaterThan(0)
}
