import type { Clock } from '../../../src/clock.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { docker as dockerKind } from '../../../src/dispatchers/docker/dispatcher.ts'
import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'
import { quickClock } from '../../support/quick-clock.ts'
import type { Place } from '../contract.ts'
import { type FakeContainer, type FakeEngine, fakeEngine } from './fake-engine.ts'
import { someOptions } from './options.ts'

export interface DockerPlace extends Place {
  engine: FakeEngine
  notes: string[]
  clock: Clock
  dispatcher(owner?: string, options?: Partial<DockerOptions>): Dispatcher
  /** The container of a dispatch of the owner `muster`; undefined when it is gone. */
  container(id: string): FakeContainer | undefined
  /** The start script that this container was given last. */
  script(id: string): string
}

/** An engine that is played, and a clock that runs so many times as fast as the wall's. */
export async function aPlace(speed = 100): Promise<DockerPlace> {
  const engine = await fakeEngine()
  const clock = quickClock(speed)
  const notes: string[] = []
  const ofRunners = (state: FakeContainer['state'] | null) =>
    [...engine.containers.values()]
      .filter((one) => one.body.Labels['io.muster.role'] === 'runner' && (state === null || one.state === state))
      .map((one) => one.body.Labels['io.muster.dispatch'] ?? '')

  const opened: Dispatcher[] = []

  return {
    engine,
    notes,
    clock,
    shortTtl: 100_000,
    dispatcher(owner = 'muster', over = {}) {
      const note = (sentence: string) => notes.push(sentence)
      const options = someOptions(engine.socket, { image: 'runner:1', ...over })
      const made = dockerKind.create(options, { name: 'here', owner, clock, note })
      opened.push(made)
      return made
    },
    container: (id) => engine.containers.get(`muster-${id}`),
    script: (id) => engine.containers.get(`muster-${id}`)?.archives.at(-1)?.toString() ?? '',
    started: async () => engine.starts,
    living: async () => ofRunners('running'),
    onlooker: async () => {
      const seen = [...engine.containers.values()].map(({ archives, ...rest }) => rest)
      return JSON.stringify([seen, engine.requests, notes])
    },
    async close() {
      await Promise.all(opened.map((made) => made.close?.()))
      await engine.close()
    },
  }
}
