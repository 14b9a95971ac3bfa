import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Credential } from '../../src/core/credential.ts'
import type { Dispatcher, LaunchRequest } from '../../src/dispatchers/dispatcher.ts'
import { randomId } from '../../src/ids.ts'

/** No text that an onlooker may read holds this. */
export const canary = 'canary-5f1d0e9a7b'

/** Where a dispatcher starts its runners, real or played, as the contract looks at it from outside. */
export interface Place {
  /** A new dispatcher object on this place, as after a restart; for another owner when one is named. */
  dispatcher(owner?: string): Dispatcher
  /** A `ttl` in which a runner surely has time to show itself, and which a test can wait for. Milliseconds of the place's clock. */
  readonly shortTtl: number
  /** The dispatch ids of all runners that were started here, one for each start. */
  started(): Promise<string[]>
  /** The dispatch ids of those that live. */
  living(): Promise<string[]>
  /** Everything that somebody else on the host or in the logs could read. */
  onlooker(): Promise<string>
  close(): Promise<void>
}

export function aRequest(over: Partial<LaunchRequest> = {}): LaunchRequest {
  const { id = randomId() } = over
  return {
    id,
    instance: 'main',
    target: 'linux',
    name: `muster-${id}`,
    labels: ['linux:host'],
    ttl: 20 * 60_000,
    machineType: null,
    image: null,
    env: {},
    scope: { level: 'repository', owner: 'acme', name: 'widgets' },
    job: 'main/42',
    about: { repository: 'acme/widgets', runId: '7', delivery: '3b1f0a52-0000-4000-8000-000000000001' },
    credential: aCredential(),
    ...over,
  }
}

export function aCredential(): Credential {
  return {
    kind: 'forgejo',
    url: 'http://127.0.0.1:3000',
    uuid: '6a1c1a1e-5a5e-4a51-9e2f-0d4e5d0c1b2a',
    token: canary,
    handle: null,
  }
}

export const never = new AbortController().signal

/** What every dispatcher promises. */
export function dispatcherContract(name: string, make: () => Promise<Place>) {
  describe(`${name}, like every dispatcher,`, () => {
    let place: Place
    let dispatcher: Dispatcher
    const opened: Dispatcher[] = []
    const open = (owner?: string) => {
      const made = place.dispatcher(owner)
      opened.push(made)
      return made
    }
    beforeEach(async () => {
      place = await make()
      dispatcher = open()
    })
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((made) => made.close?.()))
      await place.close()
    })

    test('starts one runner for one request, and says so', async () => {
      const request = aRequest()
      const launched = await dispatcher.launch(request, never)
      if (dispatcher.traits.names) expect(launched.name).toBe(request.name)
      await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]))
    })

    test('starts a runner once, however often it is asked', async (context) => {
      if (!dispatcher.traits.askAgain) return context.skip()
      const request = aRequest()
      await Promise.all([dispatcher.launch(request, never), dispatcher.launch(request, never)])
      await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]))
      await dispatcher.launch(request, never)
      await open().launch(request, never)
      await dispatcher.launch(aRequest({ id: 'thelast' }), never)
      await vi.waitFor(async () => expect((await place.started()).sort()).toEqual([request.id, 'thelast'].sort()))
    })

    test('lists what it runs, also what another process started, and nothing of another owner', async (context) => {
      if (!dispatcher.traits.lists) return context.skip()
      const [ours, theirs] = [aRequest(), aRequest()]
      await dispatcher.launch(ours, never)
      const other = open('somebody')
      await other.launch(theirs, never)
      const listed = { complete: true, dispatches: [ours.id] }
      expect(await dispatcher.running?.(never)).toEqual(listed)
      expect(await open().running?.(never)).toEqual(listed)
      expect(await other.running?.(never)).toEqual({ complete: true, dispatches: [theirs.id] })
    })

    test('stops a runner, and is content when it is already gone', async (context) => {
      if (!dispatcher.traits.stops) return context.skip()
      const [request, kept] = [aRequest(), aRequest()]
      await dispatcher.launch(request, never)
      await dispatcher.launch(kept, never)
      await vi.waitFor(async () => expect(await place.living()).toHaveLength(2))
      await dispatcher.stop?.(request.id, never)
      expect(await place.living()).toEqual([kept.id])
      await dispatcher.stop?.(request.id, never)
      await dispatcher.stop?.('neverheardof', never)
      expect(await place.living()).toEqual([kept.id])
    })

    test('never stops the runner of another owner', async (context) => {
      if (!dispatcher.traits.stops) return context.skip()
      const theirs = aRequest()
      await open('somebody').launch(theirs, never)
      await vi.waitFor(async () => expect(await place.living()).toEqual([theirs.id]))
      await dispatcher.stop?.(theirs.id, never)
      expect(await place.living()).toEqual([theirs.id])
    })

    test('lets no runner outlive its ttl', async () => {
      const request = aRequest({ ttl: place.shortTtl })
      await dispatcher.launch(request, never)
      await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]), { timeout: 3_000 })
      await vi.waitFor(async () => expect(await place.living()).toEqual([]), { timeout: 10_000 })
    })

    test('shows no credential', async () => {
      const request = aRequest()
      await dispatcher.launch(request, never)
      await vi.waitFor(async () => expect(await place.started()).toEqual([request.id]))
      const seen = await place.onlooker()
      expect(seen).toContain(request.id)
      expect(seen).not.toContain(canary)
    })

    test('lets go without ending what it started', async () => {
      const request = aRequest()
      await dispatcher.launch(request, never)
      await vi.waitFor(async () => expect(await place.living()).toEqual([request.id]))
      await dispatcher.close?.()
      expect(await place.living()).toEqual([request.id])
    })
  })
}
