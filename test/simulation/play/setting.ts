import { offered } from '../../../src/core/labels.ts'
import type { Target } from '../../../src/core/target.ts'
import type { DispatcherTraits } from '../../../src/dispatchers/dispatcher.ts'
import type { FaultRates } from '../../../src/simulation/outbox.ts'
import { aTarget } from '../../support/builders.ts'
import { type Dialect, dialects } from './dialect.ts'
import type { Tape } from './tape.ts'

/** How often each kind of fault happens in this play; 0 where it does not happen at all. A play without some of them can be judged more strictly. */
export interface Faults {
  /** Of a hundred deliveries. */
  deliveries: FaultRates
  /** Deliveries that come minutes late, or once more under a new id; of the lists and calls of the forge; of starts; out of 16. */
  late: number
  forge: number
  depot: number
  /** Lists show runners at work as idle. */
  lies: boolean
  runners: boolean
  strangers: boolean
  operators: boolean
  /** At each await: the process dies, stands still, or the state cannot be written. Out of 65,536. */
  crash: number
  stop: number
  store: number
  clock: boolean
}

/** What a play is played with: drawn from the head of its tape, 0 being the plainest. */
export interface Setting {
  dialect: Dialect
  disablePolling: boolean
  reconcileInterval: number
  traits: DispatcherTraits
  /** It answers only when its runner has ended. */
  blocking: boolean
  /** Its answer tells the runner's name. */
  tellsName: boolean
  targets: readonly Target[]
  maxParallel: number | null
  replicas: number
  actions: number
  faults: Faults
}

const second = 1_000
const minute = 60 * second

const local: DispatcherTraits = {
  credentials: 'ours',
  names: true,
  askAgain: true,
  stops: true,
  lists: true,
  local: true,
}
/** A cluster of machines: named by us and listed, but not on this host. */
const cluster: DispatcherTraits = { ...local, local: false }
const remote: DispatcherTraits = {
  credentials: 'own',
  names: false,
  askAgain: false,
  stops: false,
  lists: false,
  local: false,
}

const dispatchers: readonly Pick<Setting, 'traits' | 'blocking' | 'tellsName'>[] = [
  { traits: local, blocking: false, tellsName: false },
  { traits: cluster, blocking: false, tellsName: false },
  { traits: remote, blocking: false, tellsName: true },
  { traits: remote, blocking: false, tellsName: false },
  { traits: remote, blocking: true, tellsName: false },
]

export function drawSetting(tape: Tape, mostReplicas: number): Setting {
  const { draw } = tape
  const dialect = dialects[draw(dialects.length)]!
  const dispatcher = dispatchers[draw(dispatchers.length)]!
  const replicas = dispatcher.traits.local ? 1 : 1 + draw(mostReplicas)
  return {
    dialect,
    ...dispatcher,
    disablePolling: draw(3) === 1,
    reconcileInterval: draw(4) === 1 ? 0 : 5 * minute,
    targets: drawTargets(tape, dialect),
    maxParallel: draw(4) === 1 ? 4 : null,
    replicas,
    actions: [6, 3, 8, 14, 40][draw(5)]!,
    faults: drawFaults(tape, replicas),
  }
}

function drawTargets({ draw }: Tape, { labels: rules }: Dialect): Target[] {
  const common = {
    ttl: 10 * minute,
    bootTimeout: 2 * minute,
    idleTimeout: 2 * minute,
    // A runner of GitHub has to offer what every job of GitHub asks for.
  }
  const target = (name: string, labels: string[], limits: Partial<Target>) =>
    aTarget({ ...common, name, labels, offers: offered(labels, rules), ...limits })
  const max = [3, 1, 2, 5, 12][draw(5)]!
  const linux = target('linux', ['linux'], { max, minIdle: Math.min(max, draw(3)) })
  const mac = target('mac', ['mac'], { max: 2 })
  const many = draw(4)
  if (many === 0) return [linux, mac]
  const gpuMax = 1 + draw(3)
  const gpu = target('gpu', ['linux', 'gpu'], { max: gpuMax, minIdle: Math.min(gpuMax, draw(2)) })
  if (many < 3) return [linux, gpu, mac]
  const others = Array.from({ length: 5 }, (_, index) => target(`arm${index}`, [`arm${index}`, 'linux'], { max: 1 }))
  return [linux, gpu, mac, ...others]
}

/** Swarm: each kind is on or off, and how often it happens is drawn, so that no fault hides another in every play. */
function drawFaults({ draw }: Tape, replicas: number): Faults {
  const often = (...rates: number[]) => rates[draw(rates.length)]!
  return {
    deliveries: {
      lose: often(0, 5, 20, 100),
      duplicate: often(0, 5, 30),
      delay: often(0, 10),
      reorder: often(0, 10, 30),
    },
    late: often(0, 1, 3, 6),
    forge: often(0, 0, 1, 3, 8),
    depot: often(0, 0, 2, 6, 12),
    lies: draw(2) === 1,
    runners: draw(2) === 1,
    strangers: draw(3) === 1,
    operators: draw(2) === 1,
    crash: often(0, 0, 16, 64, 255),
    stop: replicas > 1 ? often(0, 64, 255) : often(0, 0, 16),
    store: often(0, 0, 32, 255),
    // Not played yet: a wall clock that leaps ahead makes every deadline pass at once, and `max` may be passed then.
    clock: false,
  }
}
