import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import { aDispatch, aJob, at } from '../../support/builders.ts'
import { ask, rings, type StoreTest, save } from '../../support/store.ts'

export function outcomesContract(test: StoreTest): void {
  test('keeps what became of a dispatch, and answers the dispatch as it then is', async ({ store }) => {
    await save(store, { dispatches: [aDispatch({ id: 'd', state: 'intended' })] })
    expect(await store.settle('d', { kind: 'sent', at: at('12:00:01') })).toMatchObject({ state: 'sent', version: 2 })
    const settled = await store.settle('d', {
      kind: 'accepted',
      at: at('12:00:02'),
      name: 'theirs',
      outlived: null,
      blocking: false,
    })
    expect(settled).toMatchObject({ state: 'accepted', runnerName: 'theirs' })
    expect((await store.facts('main', ask())).dispatches).toEqual([settled])
    const { items } = await store.events({ limit: 10 })
    expect(items.map(({ type }) => type)).toEqual(['dispatch_accepted', 'dispatch_sent'])
  })

  test('takes a refusal back from its round, frees the slot and backs off', async ({ store }) => {
    const job = { id: '1', round: 1 }
    await save(store, {
      jobs: [aJob({ ...job, dispatches: 1 })],
      dispatches: [aDispatch({ id: 'd', state: 'sent', job })],
    })
    await store.settle('d', { kind: 'refused', at: at('12:00:01'), reason: 'no room', retryAt: null })
    const facts = await store.facts('main', ask())
    expect(facts.dispatches).toEqual([])
    expect(await store.job('main', '1')).toMatchObject({ dispatches: 0 })
    expect([...facts.backoffs.keys()].sort()).toEqual([
      backoffKey.breaker('default'),
      backoffKey.refusedJob('main', job, 'default'),
    ])
  })

  test('sends nothing that still waited when its instance was paused', async ({ store }) => {
    const job = { id: '1', round: 1 }
    await save(store, {
      jobs: [aJob({ ...job, dispatches: 1 })],
      dispatches: [aDispatch({ id: 'waiting', state: 'intended', job }), aDispatch({ id: 'under way', state: 'sent' })],
    })
    await store.pause('main', { at: at('12:00:01'), by: 'ann', reason: null })
    const sent = (id: string) => store.settle(id, { kind: 'sent', at: at('12:00:02') })
    expect(await sent('waiting')).toMatchObject({ sentAt: null, goneReason: 'never_sent' })
    expect(await store.job('main', '1')).toMatchObject({ dispatches: 0 })
    expect(await sent('under way')).toMatchObject({ state: 'sent', goneAt: null })
  })

  test('counts the failures of a dispatcher in a row until one goes well', async ({ store }) => {
    const ids = ['a', 'b', 'c']
    await save(store, { dispatches: ids.map((id) => aDispatch({ id, state: 'sent' })) })
    const unknown = (id: string) => store.settle(id, { kind: 'unknown', at: at('12:00:01'), reason: 'broken off' })
    await Promise.all(['a', 'b'].map(unknown))
    const failures = async () =>
      (await store.facts('main', ask())).backoffs.get(backoffKey.breaker('default'))?.failures
    expect(await failures()).toBe(2)
    await store.settle('c', { kind: 'accepted', at: at('12:00:02'), name: null, outlived: null, blocking: false })
    expect(await failures()).toBeUndefined()
  })

  test('settles hundreds at once, each in its own row', async ({ store }) => {
    const ids = Array.from({ length: 700 }, (_, index) => `d${index}`)
    await save(store, { dispatches: ids.map((id) => aDispatch({ id, state: 'intended' })) })
    const settled = await Promise.all(ids.map((id) => store.settle(id, { kind: 'sent', at: at('12:00:01') })))
    expect(settled.map((it) => it?.id)).toEqual(ids)
    expect((await store.facts('main', ask())).dispatches.every(({ state }) => state === 'sent')).toBe(true)
  })

  test('rings for an outcome, and not for one that changes nothing', async ({ store }) => {
    await save(store, { dispatches: [aDispatch({ id: 'd' })] })
    const rung = rings(store)
    await store.settle('d', { kind: 'gone', at: at('12:00:01'), why: 'released', by: 'ann' })
    const gone = await store.settle('d', { kind: 'unknown', at: at('12:00:02'), reason: 'late' })
    expect(gone).toMatchObject({ goneReason: 'released', version: 2 })
    expect(rung).toEqual(['main'])
  })

  test('answers null for a dispatch that nobody knows', async ({ store }) => {
    expect(await store.settle('unheard of', { kind: 'sent', at: at('12:00:01') })).toBeNull()
  })

  test('settles a dispatch whose round was forgotten', async ({ store }) => {
    await save(store, { dispatches: [aDispatch({ id: 'd', state: 'sent', job: { id: 'forgotten', round: 1 } })] })
    const outcome = { kind: 'refused', at: at('12:00:01'), reason: 'no', retryAt: null } as const
    expect(await store.settle('d', outcome)).toMatchObject({ goneReason: 'refused' })
  })
}
