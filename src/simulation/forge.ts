import type { Clock } from '../clock.ts'
import type { Ids } from '../ids.ts'
import { type Choices, harmless } from './choices.ts'
import { createHooks, type Hooks } from './hooks.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { createOutbox, type FaultRates, type Outbox } from './outbox.ts'
import { createRunners, type Runners } from './runners.ts'
import { createGround, type Ground, type Happening, type Repository } from './state.ts'
import { type ForgeVersion, traitsOf } from './versions.ts'

export interface SimulatedForgeOptions {
  version: ForgeVersion
  clock: Pick<Clock, 'now'>
  ids: Ids
  /** Draws the faults of the delivery path. Default: none. */
  choices?: Choices
  faults?: FaultRates
  /** The repositories it begins with. */
  repositories: readonly { owner: string; name: string; ownerKind?: Repository['ownerKind'] }[]
}

/**
 * A forge as a state machine: every call is synchronous, time and choices come from outside, and nothing happens by itself.
 * What it does is told to listeners; what it would send lies in its outbox.
 */
export interface SimulatedForge {
  readonly version: ForgeVersion
  /** What it keeps, for reading. */
  readonly ground: Ground
  readonly jobs: Jobs
  readonly runners: Runners
  readonly hooks: Hooks
  readonly outbox: Outbox
  /** Names are compared without case. */
  repository(owner: string, name: string): Repository | null
  /** Called synchronously, in order, with copies of that moment. */
  watch(listener: (happening: Happening) => void): void
}

export function createSimulatedForge(options: SimulatedForgeOptions): SimulatedForge {
  const { version, clock, ids, choices = harmless, faults } = options
  const listeners: ((happening: Happening) => void)[] = []
  const ground = createGround(traitsOf(version), clock, ids, (happening) => {
    for (const listener of listeners) listener(happening)
  })
  const owners = new Map<string, number>()
  for (const { owner, name, ownerKind = 'organization' } of options.repositories) {
    const ownerId = owners.get(owner) ?? ground.next('owner')
    owners.set(owner, ownerId)
    const id = ground.next('repository')
    ground.repositories.set(id, { id, owner, ownerId, ownerKind, name })
  }
  const jobs = createJobs(ground)
  const outbox = createOutbox({ choices, rates: faults })
  return {
    version,
    ground,
    jobs,
    runners: createRunners(ground, jobs),
    hooks: createHooks(ground, outbox),
    outbox,
    repository: (owner, name) =>
      [...ground.repositories.values()].find(
        (one) => `${one.owner}/${one.name}`.toLowerCase() === `${owner}/${name}`.toLowerCase(),
      ) ?? null,
    watch: (listener) => void listeners.push(listener),
  }
}
