import { expect } from 'vitest'
import { backoffKey } from '../../../src/core/backoff.ts'
import { aDelivery, aDispatch, aJob, aRunner, at } from '../../support/builders.ts'
import { ask, idsOf, type StoreTest, save } from '../../support/store.ts'

export function factsContract(test: StoreTest): void {
  test('knows nothing of an instance at first', async ({ store }) => {
    expect(await store.facts('main', ask())).toEqual({
      jobs: [],
      beyond: new Map(),
      dispatches: [],
      requests: [],
      runners: [],
      backoffs: new Map(),
      paused: false,
      kept: { verdicts: new Map(), beyond: new Set() },
      signals: { nudgedAt: null, jobEventAt: null, announcedSince: 0, finishedAt: new Map() },
    })
  })

  test('gives back every field of a job, a dispatch, a runner and a back-off', async ({ store }) => {
    const job = aJob({
      attempt: 1,
      handle: 'h',
      conclusion: 'c',
      url: 'u',
      runnerName: 'r',
      startedAt: 1,
      finishedAt: 2,
      unassigned: 'not_allowed',
      listedAt: 3,
      confirmedAt: 4,
      lostAt: 5,
      requeuedAt: 6,
      startSpent: true,
      dispatches: 7,
    })
    const dispatch = aDispatch({
      job: { id: job.id, round: 1 },
      handle: 'h',
      host: 'here',
      offers: [],
      runner: 'r',
      tiedBy: 'inference',
      tiedAt: 1,
      ran: { id: job.id, round: 1 },
      coverEndedAt: 2,
      coverEndedBy: { id: job.id, round: 1 },
      late: true,
      reason: 'because',
    })
    const runner = aRunner({ id: null, dispatch: dispatch.id, listedAt: null, worked: true })
    const backoff = { key: backoffKey.breaker('default'), instance: '', failures: 2, until: at('12:00:30') }
    await save(store, { jobs: [job], dispatches: [dispatch], runners: [runner], backoffs: [backoff] })
    expect(await store.facts('main', ask())).toMatchObject({
      jobs: [{ ...job, version: 1 }],
      dispatches: [{ ...dispatch, version: 1 }],
      runners: [{ ...runner, version: 1 }],
      backoffs: new Map([[backoff.key, backoff]]),
    })
  })

  test('holds what is open of its own instance, oldest first', async ({ store }) => {
    const jobs = [
      aJob({ id: 'young', firstSeenAt: at('12:00:03') }),
      aJob({ id: 'runs', state: 'running', firstSeenAt: at('12:00:02') }),
      aJob({ id: 'waits', state: 'waiting', firstSeenAt: at('12:00:01') }),
      aJob({ id: 'over', state: 'finished', startSpent: true }),
    ]
    const dispatches = [
      aDispatch({ id: 'second', intendedAt: at('12:00:02') }),
      aDispatch({ id: 'first', intendedAt: at('12:00:01') }),
    ]
    const gone = [aDispatch({ state: 'refused' })]
    await save(store, {
      jobs,
      dispatches: [...dispatches, ...gone],
      runners: [aRunner({ name: 'there' }), aRunner({ state: 'gone' })],
    })
    await save(store, { jobs: [aJob({ instance: 'other' })], dispatches: [aDispatch({ instance: 'other' })] }, 'other')
    const facts = await store.facts('main', ask())
    expect(idsOf(facts.jobs)).toEqual(['waits', 'runs', 'young'])
    expect(idsOf(facts.dispatches)).toEqual(['first', 'second'])
    expect(facts.runners.map(({ name }) => name)).toEqual(['there'])
  })

  test('holds of the queued jobs the oldest of each target, and how many lie beyond', async ({ store }) => {
    const queue = (target: string | null, times: readonly string[]) =>
      times.map((time) => aJob({ id: `${target} ${time}`, target, firstSeenAt: at(time) }))
    const jobs = [
      ...queue('linux', ['12:00:05', '12:00:01', '12:00:03']),
      ...queue('macos', ['12:00:02']),
      ...queue(null, ['12:00:06', '12:00:07', '12:00:04']),
    ]
    await save(store, { jobs })
    const facts = await store.facts('main', ask({ window: 2 }))
    expect(idsOf(facts.jobs)).toEqual([
      'linux 12:00:01',
      'macos 12:00:02',
      'linux 12:00:03',
      'null 12:00:04',
      'null 12:00:06',
    ])
    expect(facts.beyond).toEqual(new Map([['linux', 1]]))
  })

  test('orders what one look saw at once by the moments of the forge', async ({ store }) => {
    const jobs = ['12:00:02', '12:00:01', '11:59:59'].map((time) => aJob({ id: time, queuedAt: at(time) }))
    await save(store, { jobs })
    expect(idsOf((await store.facts('main', ask({ window: 2 }))).jobs)).toEqual(['11:59:59', '12:00:01'])
  })

  test.for([
    ['that a live dispatch was made for', { job: { id: '1', round: 1 } }, true],
    ['that ran on the runner of a live dispatch', { ran: { id: '1', round: 1 } }, true],
    ['that a gone dispatch was made for', { job: { id: '1', round: 1 }, goneAt: at('12:00:01') }, false],
  ] as const)('holds a finished round %s: %o', async ([, dispatch, held], { store }) => {
    await save(store, {
      jobs: [aJob({ id: '1', state: 'finished', startSpent: true })],
      dispatches: [aDispatch(dispatch)],
    })
    expect(idsOf((await store.facts('main', ask())).jobs)).toEqual(held ? ['1'] : [])
  })

  test('holds finished rounds that were called queued again, and those whose start is not spent', async ({ store }) => {
    const over = { state: 'finished', startSpent: true } as const
    await save(store, {
      jobs: [
        aJob(over),
        aJob({ ...over, id: 'again', requeuedAt: at('12:00:01') }),
        aJob({ ...over, id: 'unspent', startSpent: false }),
      ],
    })
    expect(idsOf((await store.facts('main', ask())).jobs).sort()).toEqual(['again', 'unspent'])
  })

  test('holds the rounds that a look listed of late and no webhook announced', async ({ store }) => {
    const listed = { state: 'finished', startSpent: true, announcedAt: null, listedAt: at('12:00:10') } as const
    await save(store, {
      jobs: [
        aJob({ ...listed, id: 'unannounced' }),
        aJob({ ...listed, announcedAt: at('12:00:11') }),
        aJob({ ...listed, listedAt: at('12:00:05') }),
        aJob({ ...listed, lostAt: at('12:01:10') }),
      ],
    })
    expect(idsOf((await store.facts('main', ask({ listedSince: at('12:00:05') }))).jobs)).toEqual(['unannounced'])
  })

  test('holds the newest round of each id asked for', async ({ store }) => {
    const over = { state: 'finished', startSpent: true } as const
    await save(store, {
      jobs: [aJob({ ...over, id: '1' }), aJob({ ...over, id: '1', round: 2 }), aJob({ ...over, id: '2' }), aJob(over)],
    })
    const { jobs } = await store.facts('main', ask({ ids: ['1', '2', 'unheard of'] }))
    expect(jobs.map(({ id, round }) => `${id}/${round}`).sort()).toEqual(['1/2', '2/1'])
  })

  test('holds the back-offs of the instance and of all dispatchers', async ({ store }) => {
    const backoff = (key: string, instance: string) => ({ key, instance, failures: 1, until: at('12:00:01') })
    await save(store, { backoffs: [backoff('ours', 'main'), backoff('theirs', 'other'), backoff('everyone', '')] })
    expect([...(await store.facts('main', ask())).backoffs.keys()].sort()).toEqual(['everyone', 'ours'])
  })

  test('tells the last nudge and the last job event over HTTP', async ({ store }) => {
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:01') }))
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:02'), nudge: true, jobEvent: false, jobs: [] }))
    await store.recordDelivery(aDelivery({ receivedAt: at('12:00:03'), via: 'recovered' }))
    const { signals } = await store.facts('main', ask())
    expect(signals).toMatchObject({ nudgedAt: at('12:00:02'), jobEventAt: at('12:00:01') })
  })

  test('counts the announced rounds that were first seen after a moment', async ({ store }) => {
    const seen = { firstSeenAt: at('12:00:10') }
    await save(store, {
      jobs: [aJob(seen), aJob({ ...seen, announcedAt: null }), aJob({ firstSeenAt: at('12:00:05') })],
    })
    expect((await store.facts('main', ask({ since: at('12:00:05') }))).signals.announcedSince).toBe(1)
  })

  test('tells when a repository last finished a job, where one of its rounds is held back', async ({ store }) => {
    const held = aJob({ repository: 'acme/held' })
    const over = { state: 'finished', startSpent: true, repository: 'acme/held' } as const
    const key = backoffKey.idledJob('main', held)
    await save(store, {
      jobs: [
        held,
        aJob({ ...over, seenFinishedAt: at('12:00:07') }),
        aJob({ ...over, seenFinishedAt: at('12:00:05') }),
        aJob({ ...over, repository: 'acme/other' }),
      ],
      backoffs: [{ key, instance: 'main', failures: 1, until: at('12:01:00') }],
    })
    const { signals } = await store.facts('main', ask())
    expect(signals.finishedAt).toEqual(new Map([['acme/held', at('12:00:07')]]))
  })
}
