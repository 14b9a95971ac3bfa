import type { RoundRules } from '../../../src/core/rounds.ts'
import type { Target } from '../../../src/core/target.ts'
import type { DispatcherTraits } from '../../../src/dispatchers/dispatcher.ts'
import type { ForgeKind } from '../../../src/forges/forge.ts'
import type { Choices } from '../../../src/simulation/choices.ts'
import { aTarget } from '../../support/builders.ts'

/** What a run is played with: drawn from the head of its tape, 0 being the plainest. */
export interface Setting {
  kind: ForgeKind
  rounds: RoundRules
  /** What the forge can do. */
  lists: { jobs: boolean; runners: boolean }
  /** `jobs`: a webhook for each change of a job; `nudges`: signed events that tell nothing. */
  tells: 'jobs' | 'nudges'
  /** A job's events and rows name its runner. */
  namesRunners: boolean
  handles: boolean
  /** Its lists lag by up to 20 s. */
  lags: boolean
  reruns: boolean
  disablePolling: boolean
  reconcileInterval: number
  traits: DispatcherTraits
  /** It answers only when its runner has ended. */
  blocking: boolean
  /** Its answer tells the runner's name. */
  tellsName: boolean
  targets: readonly Target[]
  maxParallel: number | null
  /** Which kinds of faults there are at all: a run without some of them can be judged more strictly. */
  faults: { deliveries: boolean; forge: boolean; depot: boolean; deaths: boolean; strangers: boolean }
}

const second = 1_000
const minute = 60 * second

type ForgeSide = Pick<Setting, 'kind' | 'rounds' | 'lists' | 'tells' | 'namesRunners' | 'handles' | 'lags' | 'reruns'>

const gitea: ForgeSide = {
  kind: 'gitea',
  rounds: { requeue: 'soon' },
  lists: { jobs: true, runners: true },
  tells: 'jobs',
  namesRunners: true,
  handles: false,
  lags: false,
  reruns: true,
}

const forges: readonly ForgeSide[] = [
  gitea,
  { ...gitea, kind: 'github', rounds: { requeue: 'late' }, lags: true, reruns: false },
  { ...gitea, lists: { jobs: false, runners: true } },
  { ...gitea, lists: { jobs: true, runners: false } },
  { ...gitea, kind: 'forgejo', tells: 'nudges', namesRunners: false, handles: true, reruns: false },
  {
    ...gitea,
    kind: 'forgejo',
    tells: 'nudges',
    namesRunners: false,
    reruns: false,
    lists: { jobs: true, runners: false },
  },
]

const local: DispatcherTraits = {
  credentials: 'ours',
  names: true,
  askAgain: true,
  stops: true,
  lists: true,
  local: true,
}
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
  { traits: remote, blocking: false, tellsName: true },
  { traits: remote, blocking: false, tellsName: false },
  { traits: remote, blocking: true, tellsName: false },
]

export function drawSetting(draw: Choices): Setting {
  const forge = forges[draw(forges.length)]!
  const dispatcher = dispatchers[draw(dispatchers.length)]!
  const kinds = draw(32)
  const on = (bit: number) => (kinds & (1 << bit)) !== 0
  const common = { ttl: 10 * minute, bootTimeout: 2 * minute, idleTimeout: 2 * minute }
  const linux = aTarget({ ...common, max: 3 + draw(3), minIdle: draw(3) })
  const gpu = aTarget({ ...common, name: 'gpu', labels: ['linux', 'gpu'], max: 1 + draw(3), minIdle: draw(2) })
  const mac = aTarget({ ...common, name: 'mac', labels: ['mac'], max: 2 })
  return {
    ...forge,
    ...dispatcher,
    disablePolling: draw(3) === 1,
    reconcileInterval: draw(3) === 1 ? 0 : 5 * minute,
    targets: draw(2) === 0 ? [linux, mac] : [linux, gpu, mac],
    maxParallel: draw(4) === 1 ? 4 : null,
    faults: { deliveries: on(0), forge: on(1), depot: on(2), deaths: on(3), strangers: on(4) },
  }
}
