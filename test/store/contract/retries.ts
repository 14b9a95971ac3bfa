import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import type { Store } from '../../../src/store/store.ts'
import { aDispatch, aJob, aTarget, at } from '../../support/builders.ts'
import { ask, rings, type StoreTest, save } from '../../support/store.ts'

const now = at('12:01:00')
const job = { id: '7', round: 1 }
const later = at('12:30:00')

const retry = (store: Store, id = '7', targets = [aTarget({ fallback: ['cloud'] })]) =>
  store.retry({ instance: 'main', id, targets, at: now, by: 'ann' })

export function retriesContract(test: StoreTest): void {
  test('takes away everything that keeps a job from its next runner, tells who did it, and rings', async ({
    store,
  }) => {
    const keys = [
      backoffKey.refusedJob('main', job, 'default'),
      backoffKey.idledJob('main', job),
      backoffKey.refusedJob('main', { id: '70', round: 1 }, 'default'),
    ]
    const breaker = { key: backoffKey.breaker('cloud'), instance: '', failures: 4, until: later }
    await save(store, {
      jobs: [aJob({ id: '7', dispatches: 3 })],
      dispatches: [aDispatch({ id: 'd-1', job, state: 'unknown', sentAt: at('12:00:30') })],
      backoffs: [...keys.map((key) => ({ key, instance: 'main', failures: 2, until: later })), breaker],
    })
    const rung = rings(store)
    const effects = ['backoff_cleared', 'allowance_renewed', 'dispatcher_probed', 'unknown_given_up']
    expect(await retry(store)).toMatchObject({ kind: 'retried', effects, job: { id: '7', dispatches: 0 } })
    expect(rung).toEqual(['main'])
    const { backoffs, jobs, dispatches } = await store.facts('main', ask())
    expect([...backoffs.keys()].sort()).toEqual([breaker.key, keys[2]].sort())
    expect(backoffs.get(breaker.key)).toEqual({ ...breaker, until: now })
    expect(jobs).toMatchObject([{ dispatches: 0 }])
    expect(dispatches).toMatchObject([{ id: 'd-1', goneAt: null, coverEndedAt: now }])
    const { items } = await store.events({ limit: 1 })
    expect(items).toMatchObject([
      { type: 'job_retried', at: now, instance: 'main', job, target: 'linux', detail: { by: 'ann' } },
    ])
  })

  test('writes nothing where nothing keeps a job back, and says why', async ({ store }) => {
    await save(store, {
      jobs: [aJob({ id: '7' }), aJob({ id: '8', state: 'running' }), aJob({ id: '9', target: null })],
    })
    const rung = rings(store)
    expect(await retry(store)).toMatchObject({ kind: 'nothing', why: 'unhindered', job: { id: '7' } })
    expect(await retry(store, '8')).toMatchObject({ kind: 'nothing', why: 'running' })
    expect(await retry(store, '9')).toMatchObject({ kind: 'nothing', why: 'unassigned' })
    expect(await retry(store, '7', [])).toMatchObject({ kind: 'nothing', why: 'unassigned' })
    expect(await retry(store, '10')).toBeNull()
    await store.pause('main', { at: now, by: 'ann', reason: null })
    expect(await retry(store)).toMatchObject({ kind: 'nothing', why: 'paused' })
    expect((await store.events({ limit: 10, types: ['job_retried'] })).items).toEqual([])
    expect(rung).toEqual(['main'])
  })

  test('retries the newest round of a job, and no other', async ({ store }) => {
    const idled = (round: number) => backoffKey.idledJob('main', { id: '7', round })
    await save(store, {
      jobs: [aJob({ id: '7', state: 'finished' }), aJob({ id: '7', round: 2 })],
      backoffs: [1, 2].map((round) => ({ key: idled(round), instance: 'main', failures: 1, until: later })),
    })
    expect(await retry(store)).toMatchObject({ kind: 'retried', job: { round: 2 } })
    expect([...(await store.facts('main', ask())).backoffs.keys()]).toEqual([idled(1)])
  })
}
