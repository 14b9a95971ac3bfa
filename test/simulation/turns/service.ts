import { pino } from 'pino'
import type { Ids } from '../../../src/ids.ts'
import { createMetrics } from '../../../src/metrics.ts'
import type { Store } from '../../../src/store/store.ts'
import { noTraces } from '../../../src/traces.ts'
import { Lane } from '../../../src/worker/lane.ts'
import { Worker } from '../../../src/worker/worker.ts'
import { type Agenda, clockOf } from './agenda.ts'
import type { Depot } from './depot.ts'
import type { ForgeDesk } from './facade.ts'
import type { Setting } from './setting.ts'

/** One process of the service, and what it did that can be counted. */
export interface Process {
  worker: Worker
  turns: number
  /** As `kill -9`: nothing that it waits for ever comes back to it. */
  kill(): void
}

export interface Around {
  agenda: Agenda
  store: Store
  desk: ForgeDesk
  depot: Depot
  setting: Setting
  ids: Ids
  violation: (what: string) => void
}

/** More turns than this in one moment never let time pass again. */
const mostTurnsAtOnce = 200

export async function startProcess({ agenda, store, desk, depot, setting, ids, violation }: Around): Promise<Process> {
  let alive = true
  const log = pino({ level: 'silent' })
  const metrics = createMetrics()
  const clock = clockOf(agenda, () => alive)
  /** Calls of a process that has died, and answers to one, go nowhere. */
  const guarded = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          if (!alive) return new Promise(() => undefined)
          const answer: unknown = Reflect.apply(value, target, given)
          if (!(answer instanceof Promise)) return answer
          return new Promise((resolve, reject) => {
            answer.then(
              (told) => alive && resolve(told),
              (error) => alive && reject(error),
            )
          })
        }
      },
    })

  let lastTurn = { at: 0, count: 0 }
  const held: Store = {
    ...guarded(store),
    facts(instance, query) {
      if (!alive) return new Promise(() => undefined)
      running.turns++
      lastTurn =
        lastTurn.at === agenda.now ? { at: agenda.now, count: lastTurn.count + 1 } : { at: agenda.now, count: 1 }
      if (lastTurn.count > mostTurnsAtOnce) {
        violation('the worker turns and turns in one moment')
        return new Promise(() => undefined)
      }
      return store.facts(instance, query)
    },
  }
  await held.recover(agenda.now, 'here')
  const { dispatcher } = depot
  const lane = new Lane(
    { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' },
    { dispatcher: guarded(dispatcher), store: held, clock, metrics },
  )
  const worker = new Worker(
    {
      instance: 'main',
      scope: { level: 'instance', owner: null, name: null },
      forge: guarded(desk.forge),
      targets: setting.targets,
      api: null,
      forgeAt: () => guarded(desk.forge),
      store: held,
      lanes: new Map([['default', lane]]),
      maxParallel: new Map(setting.maxParallel === null ? [] : [['default', setting.maxParallel]]),
      stoppable: new Set(setting.traits.stops ? ['default'] : []),
      lists: new Set(setting.traits.lists ? ['default'] : []),
      owner: 'muster',
      host: 'here',
      dryRun: false,
      hookUrl: null,
      webhookGrace: 60_000,
      retiring: new Set(),
      clock,
      ids,
      log,
      metrics,
      traces: noTraces,
    },
    {
      holder: ids(),
      disablePolling: setting.disablePolling,
      pollInterval: 30_000,
      reconcileInterval: setting.reconcileInterval,
    },
  )
  const running: Process = {
    worker,
    turns: 0,
    kill() {
      alive = false
    },
  }
  store.onBell(() => alive && worker.ring())
  const laneEnded = depot.onEnd
  depot.onEnd = () => {
    if (!alive) return
    laneEnded()
    worker.ring()
  }
  worker.start()
  return running
}
