import { expect } from 'vitest'
import type { Event, StoredEvent } from '../../../src/core/event.ts'
import type { EventQuery, JobQuery, ListQuery, Page } from '../../../src/store/store.ts'
import { aDelivery, aDispatch, aJob, aRunner, at } from '../../support/builders.ts'
import { ask, idsOf, type StoreTest, save } from '../../support/store.ts'

const queued = (job: string, over: Partial<Event> = {}): Event => ({
  type: 'job_queued',
  at: at('12:00:00'),
  instance: 'main',
  job: { id: job, round: 1 },
  target: 'linux',
  dispatch: null,
  runner: null,
  detail: { n: 1, s: 'text', b: true, nothing: null },
  ...over,
})

/** Every page of a list, two items each. */
async function pages<T>(list: (query: ListQuery) => Promise<Page<T>>): Promise<(readonly T[])[]> {
  const all: (readonly T[])[] = []
  let cursor: string | undefined
  do {
    const page: Page<T> = await list({ limit: 2, cursor })
    all.push(page.items)
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return all
}

export function listsContract(test: StoreTest): void {
  test('lists jobs page by page, the first seen first', async ({ store }) => {
    await save(store, { jobs: ['a', 'b', 'c', 'd'].map((id) => aJob({ id })) })
    expect((await pages(store.jobs)).map(idsOf)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })

  test('lists dispatches page by page, the newest first', async ({ store }) => {
    await save(store, { dispatches: ['a', 'b', 'c'].map((id) => aDispatch({ id })) })
    expect((await pages(store.dispatches)).map(idsOf)).toEqual([['c', 'b'], ['a']])
  })

  test('neither repeats nor skips a row when others come between two pages', async ({ store }) => {
    await save(store, { dispatches: ['a', 'b', 'c'].map((id) => aDispatch({ id })) })
    const first = await store.dispatches({ limit: 2 })
    await save(store, { dispatches: [aDispatch({ id: 'd' })] })
    const second = await store.dispatches({ limit: 2, cursor: first.next ?? undefined })
    expect([...idsOf(first.items), ...idsOf(second.items)]).toEqual(['c', 'b', 'a'])
  })

  test('lists jobs by instance, target and state', async ({ store }) => {
    await save(store, {
      jobs: [aJob({ id: 'here' }), aJob({ id: 'runs', state: 'running' }), aJob({ id: 'mac', target: 'macos' })],
    })
    await save(store, { jobs: [aJob({ id: 'there', instance: 'other' })] }, 'other')
    const ids = async (query: Partial<Parameters<typeof store.jobs>[0]>) =>
      idsOf((await store.jobs({ limit: 10, ...query })).items)
    expect(await ids({})).toEqual(['here', 'runs', 'mac', 'there'])
    expect(await ids({ instance: 'main' })).toEqual(['here', 'runs', 'mac'])
    expect(await ids({ state: 'queued', target: 'linux' })).toEqual(['here', 'there'])
    expect(await ids({ instance: 'main', state: 'running' })).toEqual(['runs'])
  })

  test('lists jobs by repository, in any case, and by a label that they ask for', async ({ store }) => {
    const jobs = [
      aJob({ id: 'a', repository: 'Acme/Widgets', labels: ['linux', 'gpu'] }),
      aJob({ id: 'b', repository: 'acme/widgets-old', labels: ['gpu-2', 'linux'] }),
      aJob({ id: 'c', repository: null, labels: ['a "label"\\'] }),
    ]
    await save(store, { jobs })
    const ids = async (query: Partial<JobQuery>) => idsOf((await store.jobs({ limit: 10, ...query })).items)
    expect(await ids({ repository: 'acme/WIDGETS' })).toEqual(['a'])
    expect(await ids({ label: 'linux' })).toEqual(['a', 'b'])
    expect(await ids({ label: 'gpu' })).toEqual(['a'])
    expect(await ids({ label: 'GPU' })).toEqual([])
    expect(await ids({ label: 'a "label"\\' })).toEqual(['c'])
    expect(await ids({ label: 'label' })).toEqual([])
    expect(await ids({ label: '', repository: '' })).toEqual([])
  })

  test('lists dispatches by state and dispatcher, and runners by state', async ({ store }) => {
    await save(store, {
      dispatches: [
        aDispatch({ id: 'a', state: 'sent' }),
        aDispatch({ id: 'b', dispatcher: 'cloud' }),
        aDispatch({ id: 'c', state: 'sent', dispatcher: 'cloud' }),
      ],
      runners: [aRunner({ name: 'idle' }), aRunner({ name: 'busy', state: 'busy' })],
    })
    expect(idsOf((await store.dispatches({ limit: 10, state: 'sent' })).items)).toEqual(['c', 'a'])
    expect(idsOf((await store.dispatches({ limit: 10, state: 'sent', dispatcher: 'cloud' })).items)).toEqual(['c'])
    expect((await store.runners({ limit: 10, state: 'busy' })).items.map(({ name }) => name)).toEqual(['busy'])
  })

  test('lists events of a span of time', async ({ store }) => {
    const times = ['12:00:00', '12:01:00', '12:02:00']
    await store.append(times.map((time) => queued(time, { at: at(time) })))
    const within = async (query: Partial<EventQuery>) =>
      (await store.events({ limit: 10, ...query })).items.map(({ job }) => job?.id)
    expect(await within({ since: at('12:01:00') })).toEqual(['12:02:00', '12:01:00'])
    expect(await within({ until: at('12:01:00') })).toEqual(['12:00:00'])
    expect(await within({ since: at('12:01:00'), until: at('12:02:00') })).toEqual(['12:01:00'])
  })

  test('lists dispatches and runners that are live, gone or both', async ({ store }) => {
    await save(store, {
      dispatches: [aDispatch({ id: 'live' }), aDispatch({ id: 'gone', state: 'refused' })],
      runners: [aRunner({ name: 'live' }), aRunner({ name: 'gone', state: 'gone' })],
    })
    expect(idsOf((await store.dispatches({ limit: 10, live: true })).items)).toEqual(['live'])
    expect(idsOf((await store.dispatches({ limit: 10, live: false })).items)).toEqual(['gone'])
    expect((await store.dispatches({ limit: 10 })).items).toHaveLength(2)
    const names = async (gone?: boolean) => (await store.runners({ limit: 10, gone })).items.map(({ name }) => name)
    expect(await names(false)).toEqual(['live'])
    expect(await names(true)).toEqual(['gone'])
    expect(await names()).toEqual(['live', 'gone'])
  })

  test('lists the runners that the dispatches of a target brought', async ({ store }) => {
    await save(store, {
      dispatches: [aDispatch({ id: 'd', target: 'macos' })],
      runners: [aRunner({ name: 'ours', dispatch: 'd' }), aRunner({ name: 'foreign' })],
    })
    const { items } = await store.runners({ limit: 10, target: 'macos' })
    expect(items.map(({ name }) => name)).toEqual(['ours'])
  })

  test('lists events as they were appended, the newest first, or those of one round', async ({ store }) => {
    await store.append([
      queued('1'),
      queued('2'),
      queued('1', { job: { id: '1', round: 2 } }),
      queued('1', { instance: 'other' }),
    ])
    const trail = await store.events({ limit: 10, instance: 'main', job: { id: '1', round: 1 } })
    expect(trail.items).toEqual([{ ...queued('1'), id: expect.stringMatching(/^\d+$/) }])
    const all = await store.events({ limit: 10, instance: 'main', target: 'linux' })
    expect(all.items.map(({ job }) => job)).toEqual([
      { id: '1', round: 2 },
      { id: '2', round: 1 },
      { id: '1', round: 1 },
    ])
  })

  test('lists events of some types, of a dispatch, of a runner, and of all rounds of a job', async ({ store }) => {
    const about = { instance: 'main', job: null, target: null }
    await store.append([
      queued('1'),
      queued('1', { job: { id: '1', round: 2 } }),
      queued('2', { ...about, type: 'dispatch_sent', dispatch: 'd' }),
      queued('3', { ...about, type: 'runner_gone', dispatch: 'd', runner: 'r' }),
      queued('4', { ...about, type: 'runner_gone', instance: 'other', runner: 'r' }),
    ])
    const typesOf = async (query: Partial<EventQuery>) =>
      (await store.events({ limit: 10, ...query })).items.map(({ type }) => type)
    expect(await typesOf({ instance: 'main', job: { id: '1' } })).toEqual(['job_queued', 'job_queued'])
    expect(await typesOf({ dispatch: 'd' })).toEqual(['runner_gone', 'dispatch_sent'])
    expect(await typesOf({ instance: 'main', runner: 'r' })).toEqual(['runner_gone'])
    expect(await typesOf({ types: ['dispatch_sent', 'job_queued'] })).toEqual([
      'dispatch_sent',
      'job_queued',
      'job_queued',
    ])
    expect(await typesOf({ types: [] })).toEqual([])
  })

  test('lists what came after an event in the order in which it came, to the end and then on', async ({ store }) => {
    const jobsOf = (items: readonly StoredEvent[]) => items.map(({ job }) => job?.id)
    await store.append(['a', 'b', 'c', 'd'].map((id) => queued(id)))
    const [, , , a] = (await store.events({ limit: 10 })).items
    const first = await store.events({ limit: 2, after: a!.id })
    expect(jobsOf(first.items)).toEqual(['b', 'c'])
    const second = await store.events({ limit: 2, after: a!.id, cursor: first.next! })
    expect([jobsOf(second.items), second.next]).toEqual([['d'], null])
    const last = second.items.at(-1)!
    expect((await store.events({ limit: 2, after: last.id })).items).toEqual([])
    await store.append([queued('e')])
    expect(jobsOf((await store.events({ limit: 2, after: last.id })).items)).toEqual(['e'])
    expect(jobsOf((await store.events({ limit: 10, after: '0' })).items)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test.for(['', 'x', '-1', '1e3'])('refuses "%s" as the id of an event', async (after, { store }) => {
    await expect(store.events({ limit: 10, after })).rejects.toMatchObject({ name: 'BadCursor' })
  })

  test.for(['', 'nonsense', 'LTE', 'MSBPUiAx'])(
    'refuses the cursor "%s", which no page gave',
    async (cursor, { store }) => {
      await expect(store.jobs({ limit: 10, cursor })).rejects.toMatchObject({ name: 'BadCursor' })
    },
  )

  test('forgets what is over since before a moment, and nothing that is open or younger', async ({ store }) => {
    const [old, young] = [at('12:00:00'), at('12:00:10')]
    const over = { state: 'finished', startSpent: true } as const
    await save(store, {
      jobs: [aJob({ id: 'open' }), aJob({ ...over, id: 'old' }), aJob({ ...over, id: 'young', seenFinishedAt: young })],
      dispatches: [
        aDispatch({ id: 'live' }),
        aDispatch({ id: 'old', goneAt: old }),
        aDispatch({ id: 'young', goneAt: young }),
      ],
      runners: [
        aRunner({ name: 'live' }),
        aRunner({ name: 'old', goneAt: old }),
        aRunner({ name: 'young', goneAt: young }),
      ],
      backoffs: [
        { key: 'old', instance: 'main', failures: 1, until: old },
        { key: 'young', instance: 'main', failures: 1, until: young },
      ],
      events: [queued('old'), queued('young', { at: young })],
    })
    const ping = { jobs: [], jobEvent: false }
    await store.recordDelivery(aDelivery({ ...ping, id: 'old' }))
    await store.recordDelivery(aDelivery({ ...ping, id: 'young', receivedAt: young }))

    await store.prune(at('12:00:05'))

    expect(idsOf((await store.jobs({ limit: 10 })).items)).toEqual(['open', 'young'])
    expect(idsOf((await store.dispatches({ limit: 10 })).items)).toEqual(['young', 'live'])
    expect((await store.runners({ limit: 10 })).items.map(({ name }) => name)).toEqual(['live', 'young'])
    expect([...(await store.facts('main', ask())).backoffs.keys()]).toEqual(['young'])
    const { items } = await store.events({ limit: 10, types: ['job_queued'] })
    expect(items).toMatchObject([queued('young', { at: young })])
    expect(await store.recordDelivery(aDelivery({ ...ping, id: 'young' }))).toBe('duplicate')
    expect(await store.recordDelivery(aDelivery({ ...ping, id: 'old' }))).toBe('recorded')
  })

  test('forgets thousands, however many go with one commit', async ({ store }) => {
    await store.append(Array.from({ length: 2_500 }, (_, index) => queued(String(index))))
    await store.prune(at('12:00:01'))
    expect((await store.events({ limit: 10 })).items).toMatchObject([queued('2499')])
  })

  test('gives each event an id that was never given before, though all but the last are forgotten', async ({
    store,
  }) => {
    await store.append(['a', 'b'].map((id) => queued(id)))
    await store.prune(at('12:00:01'))
    const [last] = (await store.events({ limit: 10 })).items
    await store.append([queued('c')])
    const { items } = await store.events({ limit: 10, after: last!.id })
    expect(items).toMatchObject([{ job: { id: 'c' } }])
  })
}
