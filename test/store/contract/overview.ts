import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import { aDispatch, aJob, aRunner, at } from '../../support/builders.ts'
import { type StoreTest, save } from '../../support/store.ts'

const now = at('12:01:00')

export function overviewContract(test: StoreTest): void {
  test('counts the open jobs of each target by state, and those that no target takes', async ({ store }) => {
    const states = ['queued', 'queued', 'running', 'waiting', 'finished'] as const
    const unmatched = aJob({ target: null, unassigned: 'unmatched', seenQueuedAt: at('11:00:00') })
    await save(store, { jobs: [...states.map((state) => aJob({ state })), unmatched] })
    await save(store, { jobs: [aJob({ instance: 'other' })] }, 'other')
    const { jobs } = await store.overview(now)
    const linux = { instance: 'main', target: 'linux', unassigned: null, oldestAt: at('12:00:00') }
    expect(jobs).toHaveLength(5)
    expect(jobs).toEqual(
      expect.arrayContaining([
        { ...linux, state: 'queued', jobs: 2 },
        { ...linux, state: 'running', jobs: 1 },
        { ...linux, state: 'waiting', jobs: 1 },
        { ...linux, state: 'queued', target: null, unassigned: 'unmatched', jobs: 1, oldestAt: at('11:00:00') },
        { ...linux, state: 'queued', instance: 'other', jobs: 1 },
      ]),
    )
  })

  test('counts what became of the dispatches of a target that are not gone', async ({ store }) => {
    const tied = (runner: string) => aDispatch({ runner, tiedBy: 'name', tiedAt: at('12:00:30') })
    await save(store, {
      dispatches: [
        aDispatch({ state: 'intended', sentAt: null }),
        aDispatch({ state: 'sent', sentAt: at('12:00:30') }),
        aDispatch({ state: 'unknown', sentAt: at('11:00:00') }),
        aDispatch({ coverEndedAt: at('12:00:40') }),
        ...['idle', 'busy', 'offline', 'gone'].map(tied),
        aDispatch({ state: 'refused' }),
        aDispatch({ dispatcher: 'cloud', state: 'intended', sentAt: null }),
      ],
      runners: (['idle', 'busy', 'offline', 'gone'] as const).map((state) => aRunner({ name: state, state })),
    })
    const linux = { instance: 'main', target: 'linux', dispatcher: 'default' }
    const { runners } = await store.overview(now)
    expect(runners).toHaveLength(5)
    expect(runners).toEqual(
      expect.arrayContaining([
        { ...linux, state: 'booting', runners: 2 },
        { ...linux, state: 'idle', runners: 1 },
        { ...linux, state: 'busy', runners: 1 },
        { ...linux, state: 'unseen', runners: 4 },
        { ...linux, dispatcher: 'cloud', state: 'booting', runners: 1 },
      ]),
    )
  })

  test('tells which dispatchers failed, and which instances are paused by whom', async ({ store }) => {
    const breaker = { key: backoffKey.breaker('cloud'), instance: '', failures: 3, until: at('12:02:00') }
    const refused = { ...breaker, key: backoffKey.refusedTarget('main', 'linux', 'cloud'), instance: 'main' }
    const pause = { at: at('12:00:00'), by: 'ann', reason: 'the disk' }
    await save(store, { backoffs: [breaker, refused] })
    await store.pause('main', pause)
    const { breakers, paused } = await store.overview(now)
    expect(breakers).toEqual([breaker])
    expect([...paused]).toEqual([['main', pause]])
  })
}
