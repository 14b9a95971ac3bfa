import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import { jobKey } from '../../../src/core/job.ts'
import type { VerdictChanges } from '../../../src/core/kept-verdicts.ts'
import type { Verdict } from '../../../src/core/verdict.ts'
import type { Store } from '../../../src/store/store.ts'
import { aDeliveredJob, aDelivery, aDispatch, aJob, anEvent, aRunner, at } from '../../support/builders.ts'
import { ask, epochOf, rings, type StoreTest, save } from '../../support/store.ts'

const full: Verdict = { kind: 'full', target: 'linux', reason: 'max', by: null, dispatcher: 'default', until: 7 }

/** Keeps verdicts of first rounds, by the ids of their jobs. */
async function keep(
  store: Store,
  verdicts: Record<string, Verdict>,
  over: Partial<VerdictChanges> = {},
): Promise<void> {
  const kept = Object.entries(verdicts).map(([id, verdict]) => ({ job: { id, round: 1 }, verdict }))
  await store.saveVerdicts('main', await epochOf(store), { verdicts: kept, beyond: null, events: [], ...over })
}

export function verdictsContract(test: StoreTest): void {
  test('keeps why a job waits, for its lists and for the next turn, and rings nobody', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1' }), aJob({ id: '2' })] })
    const rung = rings(store)
    await keep(store, { '1': full }, { events: [anEvent({ type: 'verdict_changed' })] })
    expect((await store.job('main', '1'))?.verdict).toEqual(full)
    expect((await store.job('main', '2'))?.verdict).toBeNull()
    expect((await store.jobs({ limit: 10 })).items.map(({ verdict }) => verdict)).toEqual([full, null])
    const { kept } = await store.facts('main', ask())
    expect(kept.verdicts).toEqual(new Map([[jobKey({ id: '1', round: 1 }), full]]))
    expect((await store.events({ limit: 10, types: ['verdict_changed'] })).items).toHaveLength(1)
    expect(rung).toEqual([])
  })

  test('keeps a verdict when its job is written again, and neither hinders the other', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1' })] })
    const { jobs } = await store.facts('main', ask())
    await keep(store, { '1': full })
    await save(store, { jobs: [{ ...jobs[0]!, repository: 'acme/other' }] })
    expect(await store.job('main', '1')).toMatchObject({ repository: 'acme/other', verdict: full })
    await store.recordDelivery(aDelivery({ jobs: [aDeliveredJob({ id: '1', state: 'running', runnerName: 'r' })] }))
    expect((await store.job('main', '1'))?.verdict).toMatchObject({ kind: 'running', by: { runner: 'r' } })
  })

  test('says of jobs beyond what a turn reads that they are full, or paused', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1' })] })
    await keep(store, {}, { beyond: ['linux'] })
    expect((await store.facts('main', ask())).kept.beyond).toEqual(new Set(['linux']))
    expect((await store.job('main', '1'))?.verdict).toMatchObject({ kind: 'full', reason: 'max' })
    await store.pause('main', { at: at('12:00:00'), by: 'ann', reason: null })
    expect((await store.job('main', '1'))?.verdict?.kind).toBe('paused')
    await keep(store, {}, { beyond: [] })
    expect((await store.job('main', '1'))?.verdict).toBeNull()
  })

  test('keeps no verdict for a holder whose epoch is over', async ({ store }) => {
    await save(store, { jobs: [aJob({ id: '1' })] })
    const epoch = await epochOf(store)
    const changes = {
      verdicts: [{ job: { id: '1', round: 1 }, verdict: full }],
      beyond: ['linux'],
      events: [anEvent()],
    }
    await expect(store.saveVerdicts('main', epoch - 1, changes)).rejects.toMatchObject({ name: 'LeaseLost' })
    expect((await store.job('main', '1'))?.verdict).toBeNull()
    expect((await store.events({ limit: 10 })).items).toEqual([])
  })

  test('tells what stands around a job that has no room', async ({ store }) => {
    const queued = (id: string, time: string) => aJob({ id, firstSeenAt: at(time) })
    const held = aJob({ id: 'held', state: 'finished', startSpent: true })
    await save(store, {
      jobs: [
        held,
        queued('older', '12:00:00'),
        queued('covered', '12:00:00'),
        queued('same', '12:00:01'),
        queued('me', '12:00:01'),
        queued('later', '12:00:01'),
        aJob({ id: 'mac', target: 'mac' }),
      ],
      dispatches: [
        aDispatch({ id: 'a', intendedAt: at('11:50:00'), job: { id: 'held', round: 1 } }),
        aDispatch({ id: 'b', intendedAt: at('11:55:00') }),
        aDispatch({ id: 'gone', goneAt: at('11:59:00') }),
        aDispatch({ id: 'mac', target: 'mac' }),
      ],
      backoffs: [{ key: backoffKey.idledJob('main', held), instance: 'main', failures: 1, until: at('12:09:00') }],
    })
    await keep(store, { covered: { ...full, kind: 'covered' }, older: full, me: full })
    const job = (await store.job('main', 'me'))!
    expect(await store.circumstances(job, ['default'])).toEqual({
      live: 2,
      retries: 1,
      ahead: 2,
      oldestEndsAt: at('12:10:00'),
      ofDispatcher: 3,
      dispatch: null,
      runner: null,
      backoffs: { refused: null, idled: null, breaker: null },
      paused: null,
    })
  })

  test('tells what covers a job, what holds it back, and who paused its instance', async ({ store }) => {
    const job = aJob({ id: '1' })
    const backoff = (key: string, failures = 1) => ({ key, instance: '', failures, until: at('12:00:01') })
    await save(store, {
      jobs: [job],
      dispatches: [aDispatch({ id: 'd' })],
      runners: [aRunner({ name: 'r' })],
      backoffs: [
        backoff(backoffKey.idledJob('main', job), 2),
        backoff(backoffKey.refusedJob('main', job, 'default')),
        backoff(backoffKey.refusedJob('main', job, 'spare'), 3),
        backoff(backoffKey.breaker('spare'), 5),
        backoff(backoffKey.breaker('default'), 4),
      ],
    })
    await store.pause('main', { at: at('11:12:00'), by: 'ann', reason: 'disks' })
    const around = async (verdict: Partial<Verdict>) => {
      const shown = (await store.job('main', '1'))!
      return store.circumstances({ ...shown, verdict: { ...full, ...verdict } }, ['default', 'spare'])
    }
    expect(await around({ by: { dispatch: 'd' } })).toMatchObject({ dispatch: { id: 'd' }, runner: null })
    expect(await around({ by: { runner: 'r' } })).toMatchObject({ dispatch: null, runner: { name: 'r' } })
    expect(await around({ kind: 'dispatcher_down', reason: 'spare' })).toMatchObject({
      backoffs: { idled: { failures: 2 }, refused: { failures: 3 }, breaker: { failures: 5 } },
      paused: { at: at('11:12:00'), by: 'ann', reason: 'disks' },
    })
    await store.resume('main', { at: at('11:13:00'), by: 'bob', reason: null })
    expect((await around({})).paused).toBeNull()
  })

  test('tells the waits of a target since a moment, the newest first', async ({ store }) => {
    const ran = (id: string, started: string, over = {}) =>
      aJob({
        id,
        state: 'finished',
        startSpent: true,
        queuedAt: at('12:00:00'),
        startedAt: null,
        finishedAt: null,
        seenRunningAt: at(started),
        seenFinishedAt: at('12:10:00'),
        ...over,
      })
    await save(store, {
      jobs: [
        ran('old', '11:00:00'),
        ran('a', '12:00:04'),
        ran('b', '12:00:09', { state: 'running', startSpent: false }),
        ran('mac', '12:00:05', { target: 'mac' }),
        aJob({ id: 'waits' }),
      ],
      dispatches: [
        aDispatch({ id: 'a', intendedAt: at('12:00:00'), tiedAt: at('12:00:03') }),
        aDispatch({ id: 'untied' }),
      ],
    })
    expect(await store.waits('main', 'linux', at('11:30:00'))).toEqual({
      queue: [9_000, 4_000],
      boot: [3_000],
      run: [596_000],
    })
  })
}
