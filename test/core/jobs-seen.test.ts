import { describe, expect, test } from 'vitest'
import { aJob, aToldJob, at } from '../support/builders.ts'
import { bring, listed, nothingSeen, states } from '../support/reconciling.ts'
import { giteaRules } from '../support/snapshot.ts'

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}

describe('a look at jobs', () => {
  test('makes a job that no delivery told of known, with its target', () => {
    const { facts } = bring({}, listed(at('12:00:00'), [aToldJob({ id: '5' })]), at('12:00:01'))
    expect(only(facts.jobs)).toMatchObject({
      id: '5',
      state: 'queued',
      target: 'linux',
      listedAt: at('12:00:00'),
      announcedAt: null,
    })
  })

  test('matches a round anew that waits at a target which is configured no more, and no other', () => {
    const seen = listed(at('12:01:00'), [aToldJob({ id: '5' })])
    const found = (over: object) => only(bring({ jobs: [aJob({ id: '5', ...over })] }, seen, at('12:01:01')).facts.jobs)
    expect(found({ target: 'of-yesterday' })).toMatchObject({ target: 'linux', unassigned: null })
    expect(found({ target: 'of-yesterday', state: 'running', deliveredAt: at('12:00:55') })).toMatchObject({
      target: 'of-yesterday',
    })
  })

  test('finishes what a complete list no longer has', () => {
    const job = aJob({ id: '5', deliveredAt: null, announcedAt: null })
    expect(states(bring({ jobs: [job] }, listed(at('12:01:00'), []), at('12:01:01')).facts)).toEqual(['5/1 finished'])
  })

  test.each`
    why                                                  | beganAt       | over                       | job
    ${'a page is missing'}                               | ${'12:05:00'} | ${{ complete: false }}     | ${{}}
    ${'it began less than 60 s after the last delivery'} | ${'12:00:59'} | ${{}}                      | ${{}}
    ${'the job lies outside the filter'}                 | ${'12:05:00'} | ${{ filter: ['windows'] }} | ${{}}
    ${'a blocked job is not listed anyway'}              | ${'12:05:00'} | ${{}}                      | ${{ state: 'waiting' }}
  `('finishes nothing when $why', ({ beganAt, over, job }) => {
    const known = aJob({ id: '5', ...job })
    const { facts } = bring({ jobs: [known] }, listed(at(beganAt), [], over), at('12:06:00'))
    expect(only(facts.jobs).state).toBe(known.state)
  })

  test('never moves a job back: a list that lags behind a delivery is not believed', () => {
    const job = aJob({ id: '5', state: 'running' })
    const { facts } = bring({ jobs: [job] }, listed(at('12:00:30'), [aToldJob({ id: '5' })]), at('12:00:31'))
    expect(states(facts)).toEqual(['5/1 running'])
  })

  test('opens a new round when it lists a running job as queued 60 s after its last event', () => {
    const job = aJob({ id: '5', state: 'running' })
    const { facts } = bring({ jobs: [job] }, listed(at('12:01:00'), [aToldJob({ id: '5' })]), at('12:01:01'))
    expect(states(facts)).toEqual(['5/1 finished', '5/2 queued'])
  })

  test('never opens a round for the handle it knows already', () => {
    const job = aJob({ id: '5', state: 'running', handle: 'h1', attempt: 1 })
    const { facts } = bring(
      { jobs: [job] },
      listed(at('12:05:00'), [aToldJob({ id: '5', handle: 'h1', attempt: 1 })]),
      at('12:05:01'),
    )
    expect(states(facts)).toEqual(['5/1 running'])
  })

  test('opens the round of a new handle at once', () => {
    const job = aJob({ id: '5', state: 'finished', handle: 'h1', attempt: 1 })
    const { facts } = bring(
      { jobs: [job] },
      listed(at('12:00:05'), [aToldJob({ id: '5', handle: 'h2', attempt: 2 })]),
      at('12:00:06'),
    )
    expect(states(facts)).toEqual(['5/1 finished', '5/2 queued'])
  })

  test('opens the round of an announced re-run at once where the forge re-runs under the same id', () => {
    const job = aJob({ id: '5', state: 'finished', deliveredAt: at('12:00:10'), requeuedAt: at('12:00:10') })
    const look = listed(at('12:00:11'), [aToldJob({ id: '5' })])
    const { facts } = bring({ jobs: [job] }, look, at('12:00:12'), { rounds: { requeue: 'soon' } })
    expect(facts.jobs.at(-1)).toMatchObject({ round: 2, state: 'queued', announcedAt: at('12:00:10') })
  })

  test('ends a round that a delivery has opened another one after', () => {
    const { facts } = bring({ jobs: [aJob({ id: '5' }), aJob({ id: '5', round: 2 })] }, nothingSeen, at('12:00:01'))
    expect(states(facts)).toEqual(['5/1 finished', '5/2 queued'])
  })

  test('forgets an announced re-run that it does not list', () => {
    const job = aJob({ id: '5', state: 'finished', deliveredAt: at('12:00:10'), requeuedAt: at('12:00:10') })
    const early = bring({ jobs: [job] }, listed(at('12:01:09'), []), at('12:01:10')).facts
    expect(only(early.jobs).requeuedAt).toBe(at('12:00:10'))
    expect(only(bring({ jobs: [job] }, listed(at('12:01:10'), []), at('12:01:11')).facts.jobs).requeuedAt).toBeNull()
  })

  test("leaves a job of the forge's own runners alone", () => {
    const look = listed(at('12:00:00'), [aToldJob({ labels: ['ubuntu-latest'] })])
    expect(
      bring({}, look, at('12:00:01'), { labels: { ...giteaRules, hostedUnless: 'self-hosted' } }).facts.jobs,
    ).toEqual([])
  })
})

describe('where the forge has no job list, a queued for a finished round', () => {
  const finished = { id: '5', state: 'finished' as const, seenFinishedAt: at('12:00:00'), requeuedAt: at('12:00:10') }
  const without = (job: ReturnType<typeof aJob>, now: string) =>
    states(bring({ jobs: [job] }, nothingSeen, at(now), { jobsListed: false }).facts)

  test('opens a round at once when the finished one had its own', () => {
    expect(without(aJob({ ...finished, announcedQueued: true }), '12:00:11')).toEqual(['5/1 finished', '5/2 queued'])
  })

  test('is kept until the finish is 60 s old when it did not', () => {
    expect(without(aJob({ ...finished, announcedQueued: false }), '12:00:59')).toEqual(['5/1 finished'])
    expect(without(aJob({ ...finished, announcedQueued: false }), '12:01:00')).toEqual(['5/1 finished', '5/2 queued'])
  })
})

test('a job queued for a day that the forge never confirmed since has expired', () => {
  const job = aJob({ id: '5', firstSeenAt: at('12:00:00') })
  const day = 24 * 60 * 60_000
  expect(only(bring({ jobs: [job] }, nothingSeen, at('12:00:00') + day - 1).facts.jobs).state).toBe('queued')
  expect(only(bring({ jobs: [job] }, nothingSeen, at('12:00:00') + day).facts.jobs)).toMatchObject({
    state: 'finished',
    conclusion: 'expired',
  })
  expect(
    only(bring({ jobs: [{ ...job, confirmedAt: at('12:00:01') }] }, nothingSeen, at('12:00:00') + day).facts.jobs)
      .state,
  ).toBe('queued')
})
