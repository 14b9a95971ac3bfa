import { systemClock } from '../src/clock.ts'
import { startScript } from '../src/dispatchers/start-script.ts'
import { createLog } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { Scrubber } from '../src/secret.ts'
import { Lane } from '../src/worker/lane.ts'
import { aCredential, aRequest, never, type Place } from '../test/dispatchers/contract.ts'
import { aPlace as aDockerPlace } from '../test/dispatchers/docker/place.ts'
import { aCluster } from '../test/dispatchers/kubernetes/place.ts'
import { aNomad } from '../test/dispatchers/nomad/place.ts'
import { aDispatch } from '../test/support/builders.ts'
import { row } from './figures.ts'

const rounds = 200

/** What our own code adds to a launch: the lane and the start script; then whole launches at played places, client and server in one process. */
export async function launchBench(): Promise<void> {
  console.log('launch: one after the other')
  row('start script alone', await timed(async () => void startScript(aRequest(), aCredential())))
  row('lane, its dispatcher answering at once', await laneAlone())
  for (const [name, make] of [
    ['docker', aDockerPlace],
    ['kubernetes', aCluster],
    ['nomad', aNomad],
  ] as const) {
    const place: Place = await make()
    const dispatcher = place.dispatcher()
    row(
      `${name}, the place played in this process`,
      await timed(async () => void (await dispatcher.launch(aRequest(), never))),
    )
    await dispatcher.close?.()
    await place.close()
  }
}

async function timed(work: () => Promise<void>): Promise<number[]> {
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    const began = performance.now()
    await work()
    took.push(performance.now() - began)
  }
  return took
}

async function laneAlone(): Promise<number[]> {
  let done = () => {}
  const dispatcher = {
    kind: 'process' as const,
    traits: { credentials: 'ours' as const, names: true, askAgain: true, stops: true, lists: true, local: true },
    launch: async () => ({ name: null }),
  }
  const store = {
    async settle(id: string, { kind }: { kind: string }) {
      if (kind === 'accepted') done()
      return aDispatch({ id, state: 'intended' })
    },
  }
  const settings = { name: 'default', timeout: 15_000, launchConcurrency: 8, onShutdown: 'close' as const }
  const lane = new Lane(settings, { dispatcher, store, clock: systemClock, metrics: createMetrics() })
  const log = createLog({ scrubber: new Scrubber(), level: 'silent' })
  const took = await timed(
    () =>
      new Promise((resolve) => {
        done = resolve
        const request = aRequest()
        lane.add({
          dispatch: aDispatch({ id: request.id, state: 'intended' }),
          epoch: 1,
          log,
          announcedAt: null,
          prepare: async () => request,
        })
      }),
  )
  await lane.close()
  return took
}
