import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { Dispatcher } from '../../src/dispatchers/dispatcher.ts'
import { createLog } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Scrubber } from '../../src/secret.ts'
import { Lane } from '../../src/worker/lane.ts'
import { aDispatch } from '../support/builders.ts'
import { aRequest, never, type Place } from './contract.ts'
import { aPlace as aDockerPlace } from './docker/place.ts'
import { aCluster } from './kubernetes/place.ts'
import { aNomad } from './nomad/place.ts'

const atOnce = 8
const log = createLog({ scrubber: new Scrubber(), level: 'silent' })
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Asks a lane for so many runners in one moment; answers how many calls were open at most, and what runs in the end. */
async function launched(count: number, place: Place) {
  closing.push(() => place.close())
  const dispatcher = place.dispatcher()
  let open = 0
  let most = 0
  const counted: Dispatcher = {
    ...dispatcher,
    async launch(request, signal) {
      most = Math.max(most, ++open)
      return dispatcher.launch(request, signal).finally(() => open--)
    },
  }
  let accepted = () => {}
  const all = new Promise<void>((resolve) => {
    let left = count
    accepted = () => void (--left === 0 && resolve())
  })
  const settings = { name: 'default', timeout: 60_000, launchConcurrency: atOnce, onShutdown: 'close' as const }
  const store = {
    async settle(id: string, { kind }: { kind: string }) {
      if (kind === 'accepted') accepted()
      return aDispatch({ id, state: 'intended' })
    },
  }
  const lane = new Lane(settings, { dispatcher: counted, store, clock: systemClock, metrics: createMetrics() })
  closing.push(() => lane.close())
  for (let number = 0; number < count; number++) {
    const request = aRequest({ id: `d${String(number).padStart(4, '0')}` })
    lane.add({
      dispatch: aDispatch({ id: request.id, state: 'intended' }),
      epoch: 1,
      log,
      announcedAt: null,
      prepare: async () => request,
    })
  }
  await all
  const running = await dispatcher.running?.(never)
  return { most, running: running?.dispatches.length }
}

test.each([
  ['docker', async () => aDockerPlace()],
  ['kubernetes', async () => aCluster()],
  ['nomad', async () => aNomad()],
] as const)(
  '200 runners at once are asked of %s by 8 calls at a time, and all of them come',
  async (_, make) => {
    expect(await launched(200, await make())).toEqual({ most: atOnce, running: 200 })
  },
  60_000,
)
