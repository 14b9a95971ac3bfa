import { comparable } from '../../../src/core/labels.ts'
import type { Dispatcher, Launched, LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { DispatchRefused, DispatchUnanswered, DispatchUnknown } from '../../../src/dispatchers/errors.ts'
import type { Agenda } from './agenda.ts'
import type { Reached } from './reached.ts'
import type { Setting } from './setting.ts'
import type { Tape } from './tape.ts'
import type { Town, TownRunner } from './town.ts'

/** One request as it arrived, and what came of it. */
export interface Request {
  at: number
  id: string
  job: string | null
  handle: string | null
  target: string
  outcome: 'started' | 'refused' | 'nothing'
  /** When it was answered; null while it is not. */
  answeredAt: number | null
  runner: TownRunner | null
  /** Nobody knows for sure what came of it: the answer told nothing, or came to nobody. */
  unclear: boolean
}

export interface DepotWorld {
  town: Town
  agenda: Agenda
  setting: Setting
  tape: Tape
  reached: Reached
  violation: (what: string) => void
  /** Told of each request as it arrives, before anything comes of it. */
  onRequest: (request: Request) => void
}

const second = 1_000
/** How long the state may refuse to write an outcome down. */
const unwritten = 60 * second

/** Where runners are started: it honours count and ttl, unless a choice makes it start one too many. */
export class Depot {
  readonly requests: Request[] = []
  faulty = true
  onEnd: () => void = () => undefined
  readonly #world: DepotWorld
  #closedUntil = 0
  /** Callers that wait for the end of a runner. */
  readonly #ends = new Map<TownRunner, () => void>()

  constructor(world: DepotWorld) {
    this.#world = world
    world.town.onEnd = (runner) => {
      this.#ends.get(runner)?.()
      this.#ends.delete(runner)
      if (runner.dispatch !== null) this.onEnd()
    }
  }

  /** The desk as one process calls it. A caller that dies leaves its calls open; where they block, that ends their runners. */
  for(caller: { alive: boolean; onDeath: (listener: () => void) => void }): Dispatcher {
    const { setting } = this.#world
    const { traits } = setting
    caller.onDeath(() => this.#callerDied(caller))
    return {
      kind: traits.local ? 'process' : 'http',
      traits,
      launch: (request) => this.#launch(request, caller),
      ...(traits.lists && { running: () => this.#running() }),
      ...(traits.stops && { stop: (id: string) => this.#stop(id) }),
      ...(traits.local && {
        onEnd: (listener: () => void) => {
          this.onEnd = listener
        },
      }),
    }
  }

  readonly #open = new Map<object, Set<Request>>()

  #callerDied(caller: object): void {
    this.doubt()
    for (const request of this.#open.get(caller) ?? []) {
      if (this.#world.setting.blocking && request.runner) this.#world.town.die(request.runner)
    }
    this.#open.delete(caller)
  }

  /** Another goes on with what was begun: a start whose outcome is not written down by now is unknown to it (product 3.1). */
  doubt(): void {
    const { now } = this.#world.agenda
    for (const request of this.requests) {
      if (request.answeredAt === null || request.answeredAt > now - unwritten) request.unclear = true
    }
  }

  async #launch(request: LaunchRequest, caller: object): Promise<Launched> {
    const open = this.#open.get(caller) ?? new Set()
    this.#open.set(caller, open)
    const { setting, reached } = this.#world
    const known = setting.traits.askAgain ? this.#ofDispatch(request.id) : undefined
    const arrived = this.#arrive(request)
    open.add(arrived)
    try {
      // Asked again for what it has started, it says so.
      if (known) {
        arrived.runner = known
        await this.#pause(100)
        reached.note('dispatch: asked again for what was started')
        if (arrived.unclear) reached.note('an unknown start is known late')
        return { name: setting.tellsName ? known.name : null }
      }
      return await this.#startOne(request, arrived)
    } finally {
      arrived.answeredAt = this.#world.agenda.now
      open.delete(arrived)
    }
  }

  async #startOne(request: LaunchRequest, arrived: Request): Promise<Launched> {
    const { tape, setting, agenda, reached, town } = this.#world
    const isHit = this.faulty && setting.faults.depot > 0 && tape.draw(16) >= 16 - setting.faults.depot
    const isClosed = this.faulty && agenda.now < this.#closedUntil
    const fate = isClosed ? 1 : isHit ? 1 + tape.draw(fates.length) : 0
    if (fate > 0) reached.note(`dispatch: ${fates[fate - 1]}`)
    if (fate === 12) this.#closedUntil = agenda.now + [30 * second, 300 * second][tape.draw(2)]!
    if (fate === 1 || fate === 2 || fate === 12) {
      arrived.outcome = 'refused'
      await this.#pause(50)
      throw new DispatchRefused('the depot is full', { retryAt: fate === 2 ? agenda.now + 5 * second : null })
    }
    if (fate === 3) {
      arrived.outcome = 'nothing'
      arrived.unclear = true
      await this.#pause(second)
      throw new DispatchUnknown('broken off before it was read')
    }
    const boot = [2, 20, 60, 100][tape.draw(this.faulty ? 4 : 2)]! * second
    const runner = this.#start(request, fate === 4 ? null : fate === 5 ? 200 * second : boot)
    arrived.runner = runner
    if (fate === 6) this.#start(request, boot, true)
    if (fate === 7) {
      arrived.unclear = true
      await this.#pause(second)
      throw new DispatchUnknown('broken off after it was read')
    }
    if (fate === 8 || fate === 9) town.hang(runner)
    if (fate === 10) {
      arrived.unclear = true
      await this.#pause(request.ttl + 60 * second)
      throw new DispatchUnanswered('no answer for as long as a runner may live')
    }
    if (setting.blocking)
      await new Promise<void>((resolve) => (runner.state === 'dead' ? resolve() : this.#ends.set(runner, resolve)))
    // Later than anybody waits for it. Of a dispatcher that lists nothing, that may be taken for the end of its runner.
    else await this.#pause(fate === 11 ? (setting.traits.lists ? 25 : 10) * second : [100, 5, 2_000][tape.draw(3)]!)
    return { name: setting.tellsName ? runner.name : null }
  }

  #arrive(request: LaunchRequest): Request {
    const { setting, agenda } = this.#world
    const repeated = this.requests.find(({ id }) => id === request.id)
    if (repeated) return repeated
    const arrived: Request = {
      at: agenda.now,
      id: request.id,
      job: request.job?.split('/')[1] ?? null,
      handle: request.credential?.kind === 'forgejo' ? request.credential.handle : null,
      target: request.target,
      outcome: 'started',
      answeredAt: null,
      runner: null,
      unclear: false,
    }
    this.requests.push(arrived)
    if (!setting.targets.some(({ name }) => name === request.target))
      this.#world.violation(`nobody has the target ${request.target}`)
    this.#world.onRequest(arrived)
    return arrived
  }

  #start(request: LaunchRequest, boot: number | null, extra = false): TownRunner {
    const { town, setting, agenda, tape } = this.#world
    const { credential } = request
    const bound = credential?.kind === 'forgejo' && !extra ? credential : null
    const registration =
      bound && ([...town.forge.ground.runners.values()].find(({ uuid }) => uuid === bound.uuid) ?? null)
    const runner = town.start(
      {
        name: setting.traits.names && !extra ? request.name : `depot-${town.runners.length}`,
        labels: request.labels.map((label) => comparable(label, setting.dialect.labels)),
        dispatch: request.id,
        target: request.target,
        handle: bound?.handle ?? null,
        oneJob: true,
        extra,
        registration,
      },
      boot,
    )
    // It looks for what is over its ttl now and then.
    agenda.in(request.ttl + [0, 20, 50][tape.draw(3)]! * second, () => town.die(runner))
    return runner
  }

  async #running() {
    const { tape, setting, town, reached } = this.#world
    const isHit = this.faulty && setting.faults.depot > 0 && tape.draw(64) >= 64 - setting.faults.depot
    const fate = isHit ? 1 + tape.draw(2) : 0
    if (fate > 0)
      reached.note(fate === 1 ? 'dispatcher: cannot tell what runs' : 'dispatcher: tells a part of what runs')
    if (fate === 1) throw new Error('the depot cannot tell')
    const dispatches = town.live.flatMap(({ dispatch, extra }) => (dispatch === null || extra ? [] : [dispatch]))
    return { complete: fate !== 2, dispatches: fate === 2 ? dispatches.slice(0, 1) : dispatches }
  }

  async #stop(id: string): Promise<void> {
    const { town, violation, reached } = this.#world
    await this.#pause(50)
    const runner = this.#ofDispatch(id)
    if (!runner || runner.state === 'dead') return
    if (runner.state === 'busy' && !runner.ending) violation(`the busy runner ${runner.name} was stopped`)
    reached.note('runner: an idle one is stopped')
    town.die(runner)
  }

  #ofDispatch(id: string): TownRunner | undefined {
    return this.#world.town.runners.find(({ dispatch, extra }) => dispatch === id && !extra)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#world.agenda.in(ms, resolve))
  }
}

const fates = [
  'refused',
  'refused until a time',
  'broken off before it was read',
  'never boots',
  'boots too late',
  'starts two',
  'reset after it was accepted',
  'its runner hangs',
  'its runner hangs',
  'never answered',
  'answered late',
  'refuses everybody for a while',
] as const

export const launchFates: readonly string[] = [...new Set(fates)].map((fate) => `dispatch: ${fate}`)
