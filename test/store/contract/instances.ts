import { expect } from 'vitest'
import { at } from '../../support/builders.ts'
import { aHolder, ask, changes, rings, type StoreTest } from '../../support/store.ts'

export function instancesContract(test: StoreTest): void {
  test('keeps the epoch for a holder that renews its lease', async ({ store }) => {
    const epoch = await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)
    expect(epoch).not.toBeNull()
    expect(await store.lease('main', aHolder('one'), at('12:00:10'), 15_000)).toBe(epoch)
  })

  test('raises the epoch for a new holder once the lease is over, and voids the plans of the old one', async ({
    store,
  }) => {
    const old = (await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)) ?? 0
    const young = (await store.lease('main', aHolder('two'), at('12:05:00'), 15_000)) ?? 0
    expect(young).toBeGreaterThan(old)
    await expect(store.save('main', old, changes())).rejects.toMatchObject({ name: 'LeaseLost' })
    await store.save('main', young, changes())
  })

  test('lets nobody else have a lease before it ends, and says so as often as it is asked', async ({ store }) => {
    const epoch = await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)
    expect(await store.lease('main', aHolder('two'), at('12:00:01'), 15_000)).toBeNull()
    await store.lease('main', aHolder('one'), at('12:00:10'), 15_000)
    expect(await store.lease('main', aHolder('two'), at('12:00:24'), 15_000)).toBeNull()
    expect(await store.lease('main', aHolder('one'), at('12:00:24'), 15_000)).toBe(epoch)
    expect(await store.lease('main', aHolder('two'), at('12:00:39'), 15_000)).toBe(epoch! + 1)
  })

  test('lets a holder go on after its lease ended where nobody else took it', async ({ store }) => {
    const epoch = await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)
    expect(await store.lease('main', aHolder('one'), at('12:05:00'), 15_000)).toBe(epoch)
    expect(await store.lease('main', aHolder('two'), at('12:05:01'), 15_000)).toBeNull()
  })

  test('lets a holder give its lease up', async ({ store }) => {
    const epoch = await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)
    await store.lease('main', aHolder('one'), at('12:00:01'), 0)
    expect(await store.lease('main', aHolder('two'), at('12:00:01'), 15_000)).toBe(epoch! + 1)
  })

  test('gives the lease to one of many who ask at once', async ({ store }) => {
    const asked = ['a', 'b', 'c'].map((id) => store.lease('main', aHolder(id), at('12:00:00'), 15_000))
    expect((await Promise.all(asked)).filter((epoch) => epoch !== null)).toHaveLength(1)
  })

  test('leases each instance by itself', async ({ store }) => {
    const epoch = await store.lease('main', aHolder('one'), at('12:00:00'), 15_000)
    await store.lease('other', aHolder('two'), at('12:00:00'), 15_000)
    expect(await store.lease('main', aHolder('one'), at('12:00:01'), 15_000)).toBe(epoch)
  })

  test('pauses and resumes an instance, with a trail and a ring for each change', async ({ store }) => {
    const rung = rings(store)
    expect(await store.paused('main')).toBeNull()
    await store.pause('main', { at: at('12:00:00'), by: 'ann', reason: 'the disk' })
    await store.pause('main', { at: at('12:00:01'), by: 'bob', reason: null })
    expect(await store.paused('main')).toEqual({ at: at('12:00:00'), by: 'ann', reason: 'the disk' })
    expect((await store.facts('main', ask())).paused).toBe(true)
    expect(await store.paused('other')).toBeNull()
    await store.resume('main', { at: at('12:00:02'), by: 'bob', reason: null })
    await store.resume('main', { at: at('12:00:03'), by: 'ann', reason: null })
    expect(await store.paused('main')).toBeNull()
    const { items } = await store.events({ limit: 10 })
    expect(items.map(({ type, at, detail }) => ({ type, at, detail }))).toEqual([
      { type: 'resumed', at: at('12:00:02'), detail: { by: 'bob' } },
      { type: 'paused', at: at('12:00:00'), detail: { by: 'ann', reason: 'the disk' } },
    ])
    expect(rung).toEqual(['main', 'main'])
  })

  test('keeps a pause when another holder takes over', async ({ store }) => {
    await store.pause('main', { at: at('12:00:00'), by: 'ann', reason: null })
    await store.lease('main', aHolder('two'), at('12:05:00'), 15_000)
    expect(await store.paused('main')).toMatchObject({ by: 'ann' })
  })

  test('keeps one hook for each url', async ({ store }) => {
    const hook = {
      instance: 'main',
      url: 'https://muster/webhook/main',
      id: '7',
      fingerprint: 'f',
      events: ['push'],
      checkedAt: at('12:00:00'),
    }
    expect(await store.hook('main', hook.url)).toBeNull()
    await store.saveHook(hook)
    await store.saveHook({ ...hook, id: '8' })
    expect(await store.hook('main', hook.url)).toEqual({ ...hook, id: '8' })
    expect(await store.hook('other', hook.url)).toBeNull()
  })

  test('remembers how far the deliveries of the present hook were read back', async ({ store }) => {
    expect(await store.watermark('main', '7')).toBeNull()
    await store.saveWatermark('main', '7', 'here')
    await store.saveWatermark('main', '7', 'there')
    expect(await store.watermark('main', '7')).toBe('there')
    expect(await store.watermark('other', '7')).toBeNull()
    await store.saveWatermark('main', '8', 'anew')
    expect(await store.watermark('main', '7')).toBeNull()
  })

  test('is ready while it can be written, and unavailable once it is closed', async ({ store }) => {
    await store.ready()
    await store.close()
    await expect(store.ready()).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await expect(store.paused('main')).rejects.toMatchObject({ name: 'StoreUnavailable' })
    await store.close()
  })
}
