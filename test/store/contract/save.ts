import { expect } from 'vitest'
import { aDeliveredJob, aDelivery, aDispatch, aJob, anEvent, aRunner, at } from '../../support/builders.ts'
import { ask, changes, epochOf, rings, type StoreTest, save } from '../../support/store.ts'

export function saveContract(test: StoreTest): void {
  test('raises the version of a row with each save', async ({ store }) => {
    const job = aJob({ id: '1' })
    await save(store, { jobs: [job] })
    await save(store, { jobs: [{ ...job, version: 1, state: 'running' }] })
    expect(await store.job('main', '1')).toMatchObject({ state: 'running', version: 2 })
  })

  test('drops a row that a delivery wrote after the turn had read it', async ({ store }) => {
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1' })] }))
    const { jobs } = await store.facts('main', ask())
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1', state: 'running' })] }))
    await save(store, { jobs: jobs.map((job) => ({ ...job, state: 'finished' })) })
    expect(await store.job('main', '1')).toMatchObject({ state: 'running' })
  })

  test('drops a row that is thought to be new and is not, and one that is gone', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1', name: 'first' })] })
    await save(store, { jobs: [aJob({ id: '1', name: 'second' }), aJob({ id: '2', version: 5 })] })
    expect(await store.job('main', '1')).toMatchObject({ name: 'first', version: 1 })
    expect(await store.job('main', '2')).toBeNull()
  })

  test('keeps the other rows of a save when one is dropped, and no event that speaks of it', async ({ store }) => {
    await save(store, {
      jobs: [aJob({ id: 'stale' })],
      dispatches: [aDispatch({ id: 'stale' })],
      runners: [aRunner({ name: 'stale' })],
    })
    const about = [
      { job: { id: 'stale', round: 1 } },
      { dispatch: 'stale' },
      { runner: 'stale' },
      { job: { id: 'fresh', round: 1 } },
    ]
    await save(store, {
      jobs: [aJob({ id: 'stale' }), aJob({ id: 'fresh' })],
      dispatches: [aDispatch({ id: 'stale' })],
      runners: [aRunner({ name: 'stale' })],
      events: about.map((over) => anEvent(over)),
    })
    expect(await store.job('main', 'fresh')).not.toBeNull()
    const { items } = await store.events({ limit: 10 })
    expect(items).toMatchObject([anEvent({ job: { id: 'fresh', round: 1 } })])
  })

  test('tells what a runner did, also where the job in whose trail it stands has moved on meanwhile', async ({
    store,
  }) => {
    await save(store, { jobs: [aJob({ id: 'stale' })] })
    const about = { job: { id: 'stale', round: 1 }, runner: 'r' }
    await save(store, {
      jobs: [aJob({ id: 'stale' })],
      runners: [aRunner({ name: 'r' })],
      events: [anEvent({ ...about, type: 'runner_busy' }), anEvent({ ...about, type: 'runner_tied' })],
    })
    expect((await store.events({ limit: 10 })).items.map(({ type }) => type)).toEqual(['runner_busy'])
  })

  test('sets back-offs anew and clears those that are over', async ({ store }) => {
    const backoff = { key: 'k', instance: 'main', failures: 1, until: at('12:00:01') }
    await save(store, { backoffs: [backoff, { ...backoff, key: 'over' }] })
    await save(store, { backoffs: [{ ...backoff, failures: 2 }], cleared: ['over'] })
    expect([...(await store.facts('main', ask())).backoffs.values()]).toEqual([{ ...backoff, failures: 2 }])
  })

  test('writes nothing for a holder whose epoch is over', async ({ store }) => {
    const epoch = await epochOf(store)
    const late = store.save('main', epoch - 1, changes({ jobs: [aJob({ id: '1' })] }))
    await expect(late).rejects.toMatchObject({ name: 'LeaseLost' })
    expect(await store.job('main', '1')).toBeNull()
  })

  test('keeps the epoch of a refused save from sinking what is written beside it', async ({ store }) => {
    const epoch = await epochOf(store)
    const [late, good] = await Promise.allSettled([
      store.save('main', epoch + 1, changes({ jobs: [aJob({ id: '1' })] })),
      store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '2' })] })),
    ])
    expect([late.status, good.status]).toEqual(['rejected', 'fulfilled'])
    expect(await store.job('main', '2')).not.toBeNull()
  })

  test('rings for nobody: the turn that saves goes on by itself', async ({ store }) => {
    const rung = rings(store)
    await save(store, { jobs: [aJob()] })
    expect(rung).toEqual([])
  })
}
