import { expect } from 'vitest'
import type { Dispatch } from '../../../src/core/dispatch.ts'
import { mostWaiting, type RunnerRequest } from '../../../src/core/request.ts'
import type { AskedRunners } from '../../../src/store/store.ts'
import { aDispatch, aRequest, at } from '../../support/builders.ts'
import { aHolder, ask, epochOf, idsOf, limits, noLimits, rings, type StoreTest } from '../../support/store.ts'

const asked = (requests: readonly RunnerRequest[], over: Partial<AskedRunners> = {}): AskedRunners => ({
  instance: 'main',
  at: at('12:00:00'),
  by: 'ci',
  requests,
  answer: JSON.stringify(idsOf(requests)),
  key: null,
  ...over,
})

/** What a turn makes of a request. */
const served = ({ id, instance }: RunnerRequest, over: Partial<Dispatch> = {}) =>
  aDispatch({ id, instance, target: 'api', state: 'intended', ...over })

export function requestsContract(test: StoreTest): void {
  test('gives back every field of a request, to the turns of its instance and in its list, and rings', async ({
    store,
  }) => {
    const request = aRequest({
      labels: ['linux:host', 'gpu'],
      ttl: 90_000,
      machineType: '4x8',
      image: 'debian',
      env: { A: 'ä "b"' },
      scope: { level: 'organization', owner: 'acme', name: null },
    })
    const elsewhere = aRequest({ instance: 'other' })
    const rung = rings(store)
    expect(await store.request(asked([request]))).toEqual({ kind: 'recorded', answer: JSON.stringify([request.id]) })
    await store.request(asked([elsewhere], { instance: 'other' }))
    expect((await store.facts('main', ask())).requests).toEqual([request])
    expect((await store.requests({ limit: 10 })).items).toEqual([request, elsewhere])
    expect((await store.requests({ instance: 'other', limit: 10 })).items).toEqual([elsewhere])
    expect(rung).toEqual(['main', 'other'])
    const { items } = await store.events({ instance: 'main', limit: 10 })
    expect(items).toMatchObject([
      { type: 'runner_requested', target: 'api', dispatch: request.id, detail: { by: 'ci' } },
    ])
  })

  test('keeps requests in the order in which they were asked, page by page', async ({ store }) => {
    const requests = ['c', 'a', 'b'].map((id) => aRequest({ id }))
    await store.request(asked(requests))
    expect(idsOf((await store.facts('main', ask())).requests)).toEqual(['c', 'a', 'b'])
    const first = await store.requests({ limit: 2 })
    const second = await store.requests({ limit: 2, cursor: first.next ?? '' })
    expect([idsOf(first.items), idsOf(second.items), second.next]).toEqual([['c', 'a'], ['b'], null])
  })

  test('answers a repeated key with its first answer, in its instance alone, also when they come at once', async ({
    store,
  }) => {
    const keyed = (request: RunnerRequest, digest = 'same', instance = 'main') =>
      store.request(asked([request], { instance, key: { value: 'k', digest } }))
    const [first, repeat] = await Promise.all([keyed(aRequest({ id: 'a' })), keyed(aRequest({ id: 'b' }))])
    expect([first, repeat]).toEqual([
      { kind: 'recorded', answer: '["a"]' },
      { kind: 'repeated', answer: '["a"]' },
    ])
    expect(await keyed(aRequest(), 'another')).toEqual({ kind: 'mismatch' })
    expect(await keyed(aRequest({ instance: 'other' }), 'another', 'other')).toMatchObject({ kind: 'recorded' })
    expect(idsOf((await store.facts('main', ask())).requests)).toEqual(['a'])
  })

  test('lets only so many wait', async ({ store }) => {
    const many = Array.from({ length: mostWaiting }, () => aRequest())
    expect(await store.request(asked(many.slice(1)))).toMatchObject({ kind: 'recorded' })
    expect(await store.request(asked([aRequest(), aRequest()]))).toEqual({ kind: 'full' })
    expect(await store.request(asked(many.slice(0, 1)))).toMatchObject({ kind: 'recorded' })
  })

  test('forgets a request, and its env, once its start is sent', async ({ store }) => {
    const request = aRequest()
    await store.request(asked([request]))
    await store.intend('main', await epochOf(store), [served(request)], noLimits)
    expect((await store.facts('main', ask())).requests).toEqual([])
    expect((await store.requests({ limit: 10 })).items).toEqual([])
    await store.settle(request.id, { kind: 'sent', at: at('12:00:01') })
    await store.settle(request.id, { kind: 'refused', at: at('12:00:02'), reason: 'no', retryAt: null })
    expect((await store.facts('main', ask())).requests).toEqual([])
    expect(await store.intend('main', await epochOf(store), [served(request)], noLimits)).toEqual([])
  })

  test('lets a request whose start was never sent wait again, under the same id', async ({ store }) => {
    const [paused, restarted, withoutCredential] = [aRequest(), aRequest(), aRequest()]
    const all = [paused, restarted, withoutCredential]
    await store.request(asked(all))
    const epoch = await epochOf(store)
    const intents = all.map((request) => served(request))
    expect(await store.intend('main', epoch, intents, noLimits)).toHaveLength(3)
    const refusal = { kind: 'refused', at: at('12:00:01'), reason: 'no credential', retryAt: null } as const
    await store.settle(withoutCredential.id, refusal)
    await store.pause('main', { at: at('12:00:01'), by: 'ann', reason: null })
    await store.settle(paused.id, { kind: 'sent', at: at('12:00:02') })
    const next = (await store.lease('main', aHolder('next'), at('12:02:00'), 10_000)) ?? 0
    const { requests, dispatches, backoffs } = await store.facts('main', ask())
    expect([requests, dispatches]).toEqual([all, []])
    expect([...backoffs.keys()]).toEqual([`refused/main/request/${withoutCredential.id}/default`])
    const again = intents.map((dispatch) => ({ ...dispatch, intendedAt: at('12:01:00') }))
    expect(idsOf(await store.intend('main', next, again, noLimits))).toEqual(idsOf(all))
    expect((await store.facts('main', ask())).dispatches).toMatchObject(
      all.map(({ id }) => ({ id, state: 'intended', intendedAt: at('12:01:00'), goneAt: null, goneReason: null })),
    )
  })

  test('forgets a request that is cancelled while it waits, and not one that is being started', async ({ store }) => {
    const [waiting, starting] = [aRequest(), aRequest()]
    await store.request(asked([waiting, starting]))
    await store.intend('main', await epochOf(store), [served(starting)], noLimits)
    const rung = rings(store)
    expect(await store.cancel(starting.id, at('12:00:01'), 'ann')).toBeNull()
    expect(await store.cancel('unknown', at('12:00:01'), 'ann')).toBeNull()
    expect(await store.cancel(waiting.id, at('12:00:01'), 'ann')).toEqual(waiting)
    expect(rung).toEqual(['main'])
    expect((await store.facts('main', ask())).requests).toEqual([])
    const { items } = await store.events({ limit: 1 })
    expect(items).toMatchObject([{ type: 'request_cancelled', dispatch: waiting.id }])
    expect(await store.intend('main', await epochOf(store), [served(waiting)], noLimits)).toEqual([])
  })

  test('starts nothing for a request that an operator released before it was sent', async ({ store }) => {
    const request = aRequest()
    await store.request(asked([request]))
    const epoch = await epochOf(store)
    await store.intend('main', epoch, [served(request)], noLimits)
    await store.settle(request.id, { kind: 'gone', at: at('12:00:01'), why: 'released', by: 'ann' })
    expect((await store.facts('main', ask())).requests).toEqual([])
    expect(await store.intend('main', epoch, [served(request)], noLimits)).toEqual([])
  })

  test('counts requested runners over all instances, and against their dispatcher', async ({ store }) => {
    const here = ['a', 'b', 'c'].map((id) => aRequest({ id }))
    const there = aRequest({ id: 'd', instance: 'other' })
    await store.request(asked(here))
    await store.request(asked([there], { instance: 'other' }))
    const intend = async (instance: string, requests: RunnerRequest[], most: ReturnType<typeof limits>) => {
      const intents = requests.map((request) => served(request))
      return idsOf(await store.intend(instance, await epochOf(store, instance), intents, most))
    }
    expect(await intend('other', [there], limits({}, {}, 2))).toEqual(['d'])
    expect(await intend('main', here, limits({}, {}, 2))).toEqual(['a'])
    expect(await intend('main', here.slice(1), limits({}, { default: 3 }))).toEqual(['b'])
    await store.settle('d', { kind: 'gone', at: at('12:00:01'), why: 'released', by: 'ann' })
    expect(await intend('main', here.slice(2), limits({}, {}, 3))).toEqual(['c'])
  })

  test('forgets requests and keys that are old', async ({ store }) => {
    const key = { value: 'k', digest: 'd' }
    await store.request(asked([aRequest()], { key }))
    await store.prune(at('11:59:59'))
    expect(await store.request(asked([aRequest()], { key }))).toMatchObject({ kind: 'repeated' })
    await store.prune(at('12:00:01'))
    expect((await store.requests({ limit: 10 })).items).toEqual([])
    expect(await store.request(asked([aRequest()], { key }))).toMatchObject({ kind: 'recorded' })
  })
}
