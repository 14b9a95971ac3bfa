import type { Clock } from '../clock.ts'
import type { Config, InstanceConfig } from '../config/config.ts'
import type { Reload } from '../config/reloaded.ts'
import type { Ids } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { LaneView, WorkerView } from './views.ts'

export interface ApiDeps {
  /** The configuration in force, asked at each request. */
  config: () => Pick<Config, 'instances' | 'dispatchers' | 'dispatcherApi' | 'owner' | 'dryRun'>
  /** By instance name. */
  workers: ReadonlyMap<string, WorkerView>
  /** By dispatcher name. */
  lanes: ReadonlyMap<string, LaneView>
  store: Pick<
    Store,
    | 'jobs'
    | 'job'
    | 'dispatches'
    | 'requests'
    | 'runners'
    | 'events'
    | 'deliveries'
    | 'overview'
    | 'history'
    | 'secretUses'
    | 'paused'
    | 'pause'
    | 'resume'
    | 'retry'
    | 'overview'
    | 'append'
    | 'circumstances'
    | 'waits'
    | 'request'
    | 'cancel'
    | 'settle'
    | 'onBell'
  >
  /** Reads the configuration again. */
  reload: Reload
  clock: Clock
  ids: Ids
  log: Log
  /** Aborted when the service begins to stop. */
  stopping: AbortSignal
}

/** The instance of that name; undefined when none is configured. */
export function instanceNamed({ config }: Pick<ApiDeps, 'config'>, name: string): InstanceConfig | undefined {
  return config().instances.find((instance) => instance.name === name)
}
