import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import type { Dispatch } from '../../../src/core/dispatch.ts'
import { aDeliveredJob, aDelivery, aDispatch, aJob, at } from '../../support/builders.ts'
import { aHolder, ask, epochOf, idsOf, limits, noLimits, type StoreTest, save } from '../../support/store.ts'

const intended = (over: Partial<Dispatch> = {}) => aDispatch({ state: 'intended', ...over })

export function dispatchesContract(test: StoreTest): void {
  test('writes a dispatch as intended, counts it for its round and leaves a trail', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1' })] })
    const dispatch = intended({ job: { id: '1', round: 1 } })
    const written = await store.intend('main', await epochOf(store), [dispatch], noLimits)
    expect(written).toEqual([{ ...dispatch, version: 1 }])
    expect((await store.facts('main', ask())).dispatches).toEqual(written)
    expect(await store.job('main', '1')).toMatchObject({ dispatches: 1, version: 2 })
    const { items } = await store.events({ limit: 10 })
    expect(items).toMatchObject([{ type: 'dispatch_intended', dispatch: dispatch.id, job: { id: '1', round: 1 } }])
  })

  test('tells which dispatches of an instance are gone', async ({ store }) => {
    await save(store, {
      dispatches: [
        aDispatch({ id: 'lives' }),
        aDispatch({ id: 'over', ttl: 600_000, sentAt: at('12:00:00'), goneAt: at('12:30:00'), goneReason: 'answered' }),
      ],
    })
    const asked = ['lives', 'over', 'unknown']
    const over = { ttl: 600_000, sentAt: at('12:00:00'), goneAt: at('12:30:00'), goneReason: 'answered' }
    expect(await store.ended('main', asked)).toEqual(new Map([['over', over]]))
    expect(await store.ended('other', asked)).toEqual(new Map())
  })

  test('admits in the order given, up to what the target still has room for', async ({ store }) => {
    const epoch = await epochOf(store)
    await save(store, { dispatches: [aDispatch(), aDispatch({ state: 'refused' }), aDispatch({ target: 'macos' })] })
    const wanted = ['a', 'b', 'c'].map((id) => intended({ id }))
    const written = await store.intend(
      'main',
      epoch,
      [...wanted, intended({ id: 'd', target: 'macos' })],
      limits({ linux: 3, macos: 2 }),
    )
    expect(idsOf(written)).toEqual(['a', 'b', 'd'])
    expect(await store.intend('main', epoch, [intended()], limits({ linux: 3 }))).toEqual([])
  })

  test('counts a target inside its instance, and a dispatcher over all of them', async ({ store }) => {
    await save(store, { dispatches: [aDispatch({ instance: 'other' })] }, 'other')
    const wanted = ['a', 'b'].map((id) => intended({ id }))
    const written = await store.intend('main', await epochOf(store), wanted, limits({ linux: 2 }, { default: 2 }))
    expect(idsOf(written)).toEqual(['a'])
  })

  test('never shares the last slot between two instances that ask at once', async ({ store }) => {
    const [here, there] = [await epochOf(store, 'main'), await epochOf(store, 'other')]
    const written = await Promise.all([
      store.intend('main', here, [intended()], limits({ linux: 9 }, { default: 1 })),
      store.intend('other', there, [intended({ instance: 'other' })], limits({ linux: 9 }, { default: 1 })),
    ])
    expect(written.flat()).toHaveLength(1)
  })

  test('asks for no runner for a round that has moved on since the turn read it', async ({ store }) => {
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1' })] }))
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1', state: 'running' })] }))
    const wanted = [intended({ job: { id: '1', round: 1 } })]
    expect(await store.intend('main', await epochOf(store), wanted, noLimits)).toEqual([])
    expect(await store.job('main', '1')).toMatchObject({ dispatches: 0 })
  })

  test('writes a dispatch id once', async ({ store }) => {
    const epoch = await epochOf(store)
    await store.intend('main', epoch, [intended({ id: 'a' })], noLimits)
    expect(await store.intend('main', epoch, [intended({ id: 'a' })], noLimits)).toEqual([])
  })

  test('intends nothing for a holder whose epoch is over', async ({ store }) => {
    const epoch = await epochOf(store)
    await expect(store.intend('main', epoch - 1, [intended()], noLimits)).rejects.toMatchObject({ name: 'LeaseLost' })
    expect((await store.facts('main', ask())).dispatches).toEqual([])
  })

  test('lets one probe through an open breaker, and the next only when it has waited', async ({ store }) => {
    const epoch = await epochOf(store)
    const breaker = { key: backoffKey.breaker('default'), instance: '', failures: 4, until: at('12:00:10') }
    await save(store, { backoffs: [breaker] })
    const askAt = (time: string) => [intended({ intendedAt: at(time) }), intended({ intendedAt: at(time) })]
    expect(await store.intend('main', epoch, askAt('12:00:09'), noLimits)).toHaveLength(0)
    expect(await store.intend('main', epoch, askAt('12:00:10'), noLimits)).toHaveLength(1)
    // Four failures: the second probe's delay, 2 s.
    expect(await store.intend('main', epoch, askAt('12:00:11'), noLimits)).toHaveLength(0)
    expect(await store.intend('main', epoch, askAt('12:00:12'), noLimits)).toHaveLength(1)
  })

  test('lets everything through while the breaker is closed', async ({ store }) => {
    const epoch = await epochOf(store)
    await save(store, {
      backoffs: [{ key: backoffKey.breaker('default'), instance: '', failures: 2, until: at('12:00:10') }],
    })
    expect(await store.intend('main', epoch, [intended(), intended()], noLimits)).toHaveLength(2)
  })

  test('frees what the holder before never sent, and no longer knows what became of what it sent', async ({
    store,
  }) => {
    const job = { id: '1', round: 1 }
    await save(store, {
      jobs: [aJob({ id: '1', dispatches: 2 })],
      dispatches: [
        intended({ id: 'never', job }),
        aDispatch({ id: 'sent', state: 'sent', job }),
        aDispatch({ id: 'accepted' }),
      ],
    })
    await store.lease('main', aHolder('next'), at('12:05:00'), 10_000)
    const { items } = await store.dispatches({ limit: 10 })
    expect(Object.fromEntries(items.map((it) => [it.id, it]))).toMatchObject({
      never: { goneAt: at('12:05:00'), goneReason: 'never_sent', version: 2 },
      sent: { state: 'unknown', goneAt: null, version: 2 },
      accepted: { state: 'accepted', version: 1 },
    })
    expect(await store.job('main', '1')).toMatchObject({ dispatches: 1 })
  })

  test("leaves the local starts of another host alone, and judges this host's", async ({ store }) => {
    const sent = (id: string, host: string) => aDispatch({ id, state: 'sent', host })
    await save(store, { dispatches: [sent('theirs', 'there'), sent('ours', 'here'), intended({ host: 'there' })] })
    await store.lease('main', aHolder('next', 'here'), at('12:05:00'), 10_000)
    const { dispatches } = await store.facts('main', ask())
    expect(dispatches).toMatchObject([
      { id: 'theirs', state: 'sent' },
      { id: 'ours', state: 'unknown' },
    ])
  })

  test('takes up nothing when a holder renews its lease, and nothing of other instances', async ({ store }) => {
    await save(store, { dispatches: [intended({ id: 'mine' })] })
    await epochOf(store)
    await store.lease('other', aHolder('next'), at('12:05:00'), 10_000)
    expect((await store.facts('main', ask())).dispatches).toMatchObject([{ id: 'mine', state: 'intended' }])
  })

  test('lets nobody send what was written in an epoch that is over, even where it is wanted again', async ({
    store,
  }) => {
    const epoch = await epochOf(store)
    await store.intend('main', epoch, [intended({ id: 'd' })], noLimits)
    const next = (await store.lease('main', aHolder('next'), at('12:05:00'), 10_000)) ?? 0
    const sent = { kind: 'sent', at: at('12:05:01') } as const
    expect(await store.settle('d', sent, epoch)).toBeNull()
    await store.intend('main', next, [intended({ id: 'd', intendedAt: at('12:05:01') })], noLimits)
    expect(await store.settle('d', sent, epoch)).toBeNull()
    expect(await store.settle('d', sent, next)).toMatchObject({ state: 'sent' })
  })

  test('records what became of a start whoever has the lease', async ({ store }) => {
    const epoch = await epochOf(store)
    await store.intend('main', epoch, [intended({ id: 'd' })], noLimits)
    await store.settle('d', { kind: 'sent', at: at('12:00:01') }, epoch)
    await store.lease('main', aHolder('next'), at('12:05:00'), 10_000)
    const accepted = { kind: 'accepted', at: at('12:05:01'), name: null, outlived: null, blocking: false } as const
    expect(await store.settle('d', accepted)).toMatchObject({ state: 'accepted' })
  })
}
