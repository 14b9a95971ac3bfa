import type { Dispatcher, Launched, LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../../../src/dispatchers/errors.ts'
import type { Choices } from '../../../src/simulation/choices.ts'
import type { Agenda } from './agenda.ts'
import type { Setting } from './setting.ts'
import type { Town, TownRunner } from './town.ts'

/** One request as it arrived, and what came of it. */
export interface Request {
  at: number
  id: string
  job: string | null
  target: string
  outcome: 'started' | 'refused' | 'nothing'
  runner: TownRunner | null
  /** The answer told nothing. */
  unclear: boolean
}

/** Where runners are started: it honours count and ttl, unless a choice makes it start one too many. */
export interface Depot {
  dispatcher: Dispatcher
  requests: Request[]
  faulty: boolean
  /** The caller has died: what waits for its call ends with it. */
  callerGone(): void
  onEnd: () => void
}

const second = 1_000

export function createDepot(
  town: Town,
  agenda: Agenda,
  setting: Setting,
  draw: Choices,
  violation: (what: string) => void,
): Depot {
  const { traits, blocking, targets } = setting
  const pause = (ms: number) => new Promise<void>((resolve) => void agenda.in(ms, resolve))
  const ends = new Map<TownRunner, () => void>()
  const ofDispatch = (id: string) => town.runners.find(({ dispatch, extra }) => dispatch === id && !extra)

  town.onEnd = (runner) => {
    ends.get(runner)?.()
    if (runner.dispatch !== null) depot.onEnd()
  }

  function start(request: LaunchRequest, boot: number | null, extra = false): TownRunner {
    const target = targets.find(({ labels }) => labels.join() === request.labels.join())
    const handle = request.credential?.kind === 'forgejo' ? request.credential.handle : null
    const runner = town.start(
      {
        name: traits.names ? request.name : `depot-${town.runners.length}`,
        labels: request.labels,
        dispatch: request.id,
        target: target?.name ?? null,
        handle,
        ephemeral: true,
        extra,
      },
      boot,
    )
    agenda.in(request.ttl, () => town.die(runner))
    return runner
  }

  async function launch(request: LaunchRequest): Promise<Launched> {
    const known = traits.askAgain ? ofDispatch(request.id) : undefined
    // Asked again for what it has started, it says so.
    const fate = depot.faulty && setting.faults.depot && !known ? draw(12) : 0
    const arrived: Request = {
      at: agenda.now,
      id: request.id,
      job: request.job?.split('/')[1] ?? null,
      target: targets.find(({ labels }) => labels.join() === request.labels.join())!.name,
      outcome: 'started',
      runner: known ?? null,
      unclear: false,
    }
    if (!known) depot.requests.push(arrived)
    const boot = [2, 20, 60, 100][depot.faulty ? draw(4) : 0]! * second
    if (fate === 1 || fate === 2) {
      arrived.outcome = 'refused'
      throw new DispatchRefused('the depot is full', { retryAt: fate === 2 ? agenda.now + 5 * second : null })
    }
    if (fate === 3) {
      arrived.outcome = 'nothing'
      arrived.unclear = true
      await pause(second)
      throw new DispatchUnknown('broken off before it was read')
    }
    // One that never boots; one that boots only when nobody believes in it any more.
    const runner = known ?? start(request, fate === 4 ? null : fate === 5 ? 200 * second : boot)
    arrived.runner = runner
    if (fate === 6) start(request, boot, true)
    if (fate === 7) {
      arrived.unclear = true
      await pause(second)
      throw new DispatchUnknown('broken off after it was read')
    }
    if (blocking)
      await new Promise<void>((resolve) => (runner.state === 'dead' ? resolve() : ends.set(runner, resolve)))
    // Later than anybody waits for it. Of a dispatcher that lists nothing, that may be taken for the end of its runner.
    else await pause(fate === 8 && traits.lists ? 25 * second : fate === 9 ? 10 * second : 100)
    return { name: setting.tellsName ? runner.name : null }
  }

  const depot: Depot = {
    requests: [],
    faulty: true,
    onEnd: () => undefined,
    callerGone() {
      for (const runner of ends.keys()) town.die(runner)
    },
    dispatcher: {
      kind: traits.local ? 'process' : 'http',
      traits,
      launch,
      ...(traits.lists && {
        async running() {
          const fate = depot.faulty && setting.faults.depot ? draw(8) : 0
          if (fate === 1) throw new Error('the depot cannot tell')
          const dispatches = town.live.flatMap(({ dispatch, extra }) => (dispatch === null || extra ? [] : [dispatch]))
          return { complete: fate !== 2, dispatches: fate === 2 ? dispatches.slice(0, 1) : dispatches }
        },
      }),
      ...(traits.stops && {
        async stop(id: string) {
          await pause(50)
          const runner = ofDispatch(id)
          if (runner?.state === 'busy') violation(`the busy runner ${runner.name} was stopped`)
          if (runner) town.die(runner)
        },
      }),
      ...(traits.local && {
        onEnd: (listener: () => void) => {
          depot.onEnd = listener
        },
      }),
    },
  }
  return depot
}
