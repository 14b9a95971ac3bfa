import type { LaunchRequest } from '../../src/dispatchers/dispatcher.ts'
import { createLog } from '../../src/log.ts'
import { Scrubber } from '../../src/secret.ts'
import type { Order } from '../../src/worker/lane.ts'
import { aDispatch } from './builders.ts'

const request: Omit<LaunchRequest, 'id'> = {
  instance: 'main',
  target: 'linux',
  name: 'muster-d1',
  labels: ['linux'],
  ttl: 20 * 60_000,
  machineType: null,
  image: null,
  env: {},
  scope: { level: 'instance', owner: null, name: null },
  job: null,
  about: null,
  credential: null,
}

/** A dispatch that is to be sent, with its request made. */
export function anOrder(id = 'd1'): Order {
  return {
    dispatch: aDispatch({ id, state: 'intended' }),
    epoch: 1,
    log: createLog({ scrubber: new Scrubber(), level: 'silent' }),
    announcedAt: null,
    prepare: async () => ({ ...request, id }),
  }
}
