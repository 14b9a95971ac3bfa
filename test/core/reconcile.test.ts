import { describe, expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import type { Facts } from '../../src/core/facts.ts'
import { jobKey } from '../../src/core/job.ts'
import type { Look } from '../../src/core/look.ts'
import { type ReconcileRules, reconcile } from '../../src/core/reconcile.ts'
import type { SeenRunner } from '../../src/core/runner.ts'
import { aDispatch, aJob, aRunner, aToldJob, at } from '../support/builders.ts'
import { nothingSeen, someRules } from '../support/reconciling.ts'
import { giteaRules, someFacts } from '../support/snapshot.ts'

const rules = someRules()

const nothing = nothingSeen
const listed = (beganAt: number, jobs: ReturnType<typeof aToldJob>[], over = {}): Look => ({
  ...nothing,
  beganAt,
  jobs: { complete: true, filter: null, jobs, ...over },
})
const seen = (over: Partial<SeenRunner> = {}): SeenRunner => ({
  id: '7',
  name: 'r1',
  labels: ['linux'],
  state: 'idle',
  ephemeral: true,
  ...over,
})
const runnersAt = (beganAt: number, runners: SeenRunner[], complete = true): Look => ({
  ...nothing,
  beganAt,
  runners: { complete, runners },
})
const bring = (known: Parameters<typeof someFacts>[0], look: Look, now: number, over: Partial<ReconcileRules> = {}) =>
  reconcile(someFacts(known), look, now, { ...rules, ...over })
const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}
const states = (facts: Facts) => facts.jobs.map((job) => `${jobKey(job)} ${job.state}`)

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
    const { facts } = bring({ jobs: [aJob({ id: '5' }), aJob({ id: '5', round: 2 })] }, nothing, at('12:00:01'))
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
    states(bring({ jobs: [job] }, nothing, at(now), { jobsListed: false }).facts)

  test('opens a round at once when the finished one had its own', () => {
    expect(without(aJob({ ...finished, announcedQueued: true }), '12:00:11')).toEqual(['5/1 finished', '5/2 queued'])
  })

  test('is kept until the finish is 60 s old when it did not', () => {
    expect(without(aJob({ ...finished, announcedQueued: false }), '12:00:59')).toEqual(['5/1 finished'])
    expect(without(aJob({ ...finished, announcedQueued: false }), '12:01:00')).toEqual(['5/1 finished', '5/2 queued'])
  })
})

describe('a lost webhook', () => {
  const unannounced = aJob({ id: '5', deliveredAt: null, announcedAt: null, listedAt: at('12:00:00') })
  const lost = (job = unannounced, now = '12:01:00', loss = {}) =>
    bring({ jobs: [job] }, nothing, at(now), { loss: { ...rules.loss, ...loss } }).lost

  test('is counted once, webhook_grace after the look that listed the job', () => {
    expect(lost(unannounced, '12:00:59')).toBe(0)
    const { lost: counted, facts } = bring({ jobs: [unannounced] }, nothing, at('12:01:00'))
    expect(counted).toBe(1)
    expect(lost(only(facts.jobs), '12:02:00')).toBe(0)
  })

  test.each`
    why                                           | job                                | loss
    ${'a webhook came in time'}                   | ${{ announcedAt: at('12:00:30') }} | ${{}}
    ${'the first look of the process found it'}   | ${{}}                              | ${{ firstLookAt: at('12:00:00') }}
    ${'no job event came yet while polling'}      | ${{}}                              | ${{ firstJobEventAt: null }}
    ${'it was listed before the first job event'} | ${{}}                              | ${{ firstJobEventAt: at('12:00:30') }}
  `('is not counted when $why', ({ job, loss }) => {
    expect(lost({ ...unannounced, ...job }, '12:05:00', loss)).toBe(0)
  })

  test('is counted without any job event where webhooks are all there is', () => {
    expect(lost(unannounced, '12:01:00', { firstJobEventAt: null, needsJobEvent: false })).toBe(1)
  })

  test('is counted even when the job was over before its grace was', () => {
    expect(lost({ ...unannounced, state: 'finished', startSpent: true })).toBe(1)
  })
})

describe('a runner that we name', () => {
  const dispatch = aDispatch({ id: 'd1' })
  const asked = { dispatches: [dispatch] }

  test('is tied to its dispatch by its name', () => {
    const { facts } = bring(asked, runnersAt(at('12:00:20'), [seen({ name: 'muster-d1' })]), at('12:00:21'))
    expect(only(facts.dispatches)).toMatchObject({ runner: 'muster-d1', tiedBy: 'name' })
    expect(only(facts.runners)).toMatchObject({ dispatch: 'd1', state: 'idle', idleSince: at('12:00:20') })
  })

  test('is still booting while the forge lists it as offline', () => {
    const look = runnersAt(at('12:00:20'), [seen({ name: 'muster-d1', state: 'offline', labels: [] })])
    expect(bring(asked, look, at('12:00:21')).facts).toMatchObject({ runners: [], dispatches: [{ runner: null }] })
  })

  test('is never mistaken for a stranger whose name only begins like it', () => {
    const look = runnersAt(at('12:00:20'), [seen({ name: 'muster-d1-2' })])
    expect(only(bring(asked, look, at('12:00:21')).facts.dispatches).runner).toBeNull()
  })

  test('is tied by the job that started on it, before any look', () => {
    const job = aJob({ id: '5', state: 'running', runnerName: 'muster-d1' })
    const { facts } = bring({ ...asked, jobs: [job] }, nothing, at('12:00:21'))
    expect(only(facts.dispatches)).toMatchObject({ runner: 'muster-d1', ran: { id: '5', round: 1 } })
    expect(only(facts.runners)).toMatchObject({ state: 'busy', worked: true })
  })

  test('frees its slot when the job that ran on it is finished', () => {
    const tied = { ...dispatch, runner: 'muster-d1', ran: { id: '5', round: 1 } }
    const known = { jobs: [aJob({ id: '5', state: 'finished', startSpent: true })], dispatches: [tied] }
    const { facts, changes } = bring(known, nothing, at('12:02:00'))
    expect(facts.dispatches).toEqual([])
    expect(only(changes.dispatches)).toMatchObject({ goneReason: 'job_finished' })
  })

  test('keeps its slot while the dispatcher still lists it, whatever became of the job', () => {
    const tied = { ...dispatch, runner: 'muster-d1', ran: { id: '5', round: 1 } }
    const known = { jobs: [aJob({ id: '5', state: 'finished', startSpent: true })], dispatches: [tied] }
    const running = (ids: string[]) => ({
      ...nothing,
      running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: ids }]]),
    })
    const lists = { lists: new Set(['default']) }
    expect(bring(known, running(['d1']), at('12:02:00'), lists).facts.dispatches).toHaveLength(1)
    expect(bring(known, running([]), at('12:02:00'), lists).facts.dispatches).toEqual([])
  })

  test('is not missed in the list of another host', () => {
    const there = { ...dispatch, host: 'there' }
    const running = {
      ...nothing,
      running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: [] }]]),
    }
    expect(
      bring({ dispatches: [there] }, running, at('12:02:00'), { lists: new Set(['default']) }).facts.dispatches,
    ).toHaveLength(1)
  })
})

describe('a round whose runner has ended before any look saw it run', () => {
  const job = aJob({ id: '5', dispatches: 1, listedAt: at('12:00:00') })
  const lists = { lists: new Set(['default']) }
  const ended = {
    ...nothing,
    running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: [] }]]),
  }
  const known = { jobs: [job], dispatches: [aDispatch({ id: 'd1', job: { id: '5', round: 1 } })] }
  const doubted = () => bring(known, ended, at('12:02:00'), lists).facts

  test('is doubted, so that a look comes before another runner', () => {
    expect(only(doubted().jobs).doubtedAt).toBe(at('12:02:00'))
  })

  test('is believed again when a look that began later still lists it as queued', () => {
    const look = listed(at('12:02:01'), [aToldJob({ id: '5' })])
    expect(only(reconcile(doubted(), look, at('12:02:02'), rules).facts.jobs)).toMatchObject({
      state: 'queued',
      doubtedAt: null,
    })
  })
})

describe('a runner whose name the dispatcher chose', () => {
  const older = aDispatch({ id: 'd1', named: false, intendedAt: at('12:00:00') })
  const newer = aDispatch({ id: 'd2', named: false, intendedAt: at('12:00:05') })

  test('is tied to the oldest dispatch that it fits', () => {
    const { facts } = bring({ dispatches: [older, newer] }, runnersAt(at('12:00:20'), [seen()]), at('12:00:21'))
    expect(facts.dispatches.map(({ runner, tiedBy }) => [runner, tiedBy])).toEqual([
      ['r1', 'inference'],
      [null, null],
    ])
  })

  test('is not a stranger that was there before the send, nor one that offers less', () => {
    const known = { dispatches: [older], runners: [aRunner({ name: 'r0', firstSeenAt: at('11:00:00') })] }
    const look = runnersAt(at('12:00:20'), [seen({ name: 'r0' }), seen({ id: '8', name: 'r1', labels: ['windows'] })])
    expect(only(bring(known, look, at('12:00:21')).facts.dispatches).runner).toBeNull()
  })

  test('is the one that the dispatcher named in its answer', () => {
    const answered = { ...newer, runnerName: 'r1' }
    const { facts } = bring({ dispatches: [older, answered] }, runnersAt(at('12:00:20'), [seen()]), at('12:00:21'))
    expect(facts.dispatches.map(({ runner }) => runner)).toEqual([null, 'r1'])
  })

  test('may be known only from the job that started on it', () => {
    const job = aJob({ id: '5', state: 'running', runnerName: 'nsc-1', seenRunningAt: at('12:00:30') })
    const { facts } = bring({ jobs: [job], dispatches: [older, newer] }, nothing, at('12:00:31'))
    expect(facts.dispatches.map(({ runner }) => runner)).toEqual(['nsc-1', null])
    expect(facts.dispatches[0]?.ran).toEqual({ id: '5', round: 1 })
  })
})

describe('a job that starts nobody knows where', () => {
  const started = aJob({ id: '5', state: 'running', seenRunningAt: at('12:00:30') })

  test('ends the cover of the oldest dispatch that could have been it, once', () => {
    const dispatches = [
      aDispatch({ id: 'd1', intendedAt: at('12:00:00') }),
      aDispatch({ id: 'd2', intendedAt: at('12:00:05') }),
    ]
    const { facts } = bring({ jobs: [started], dispatches }, nothing, at('12:00:31'))
    expect(facts.dispatches.map(({ coverEndedAt }) => coverEndedAt)).toEqual([at('12:00:31'), null])
    const again = reconcile(facts, nothing, at('12:00:40'), rules).facts
    expect(again.dispatches.map(({ coverEndedAt }) => coverEndedAt)).toEqual([at('12:00:31'), null])
  })

  test('spends an idle runner that it fits', () => {
    const { facts } = bring(
      { jobs: [started], runners: [aRunner({ labels: ['windows'] }), aRunner()] },
      nothing,
      at('12:00:31'),
    )
    expect(facts.runners.map(({ state }) => state)).toEqual(['idle', 'busy'])
  })

  test('spends nothing when it was cancelled before it could start', () => {
    const cancelled = aJob({ state: 'finished', conclusion: 'cancelled', seenRunningAt: null })
    const { facts } = bring(
      { jobs: [cancelled], runners: [aRunner()], dispatches: [aDispatch()] },
      nothing,
      at('12:00:31'),
    )
    expect(facts).toMatchObject({ runners: [{ state: 'idle' }], dispatches: [{ coverEndedAt: null }] })
  })

  test('is explained by the runner of ours that the same look shows at work, and ends no other cover', () => {
    const dispatches = [aDispatch({ id: 'd1' }), aDispatch({ id: 'd2' })]
    const look = {
      ...listed(at('12:00:40'), [aToldJob({ id: '5', state: 'running' })]),
      runners: { complete: true, runners: [seen({ name: 'muster-d1', state: 'busy' })] },
    }
    const { facts } = bring({ jobs: [aJob({ id: '5' })], dispatches }, look, at('12:00:41'))
    expect(facts.dispatches).toMatchObject([{ ran: { id: '5' } }, { coverEndedAt: null, runner: null }])
  })
})

describe('a slot', () => {
  const dispatch = aDispatch({ id: 'd1' })
  const free = (over: object, look: Look, now: string, known = {}) => {
    const { changes } = bring({ dispatches: [{ ...dispatch, ...over }], ...known }, look, at(now))
    return changes.dispatches.find(({ goneAt }) => goneAt !== null)?.goneReason ?? null
  }

  test('of an unknown start is freed by a complete look after boot_timeout that does not see it', () => {
    const unknown = { state: 'unknown' as const }
    expect(free(unknown, runnersAt(at('12:05:00'), []), '12:05:02')).toBeNull()
    expect(free(unknown, runnersAt(at('12:05:01'), [], false), '12:05:02')).toBeNull()
    expect(free(unknown, runnersAt(at('12:05:01'), []), '12:05:02')).toBe('never_seen')
  })

  test('of an accepted start is held until ttl and a minute, whatever was not seen before', () => {
    expect(free({}, runnersAt(at('12:21:00'), []), '12:21:02')).toBeNull()
    expect(free({}, runnersAt(at('12:21:01'), []), '12:21:02')).toBe('never_seen')
  })

  test('of a runner that is still there is not freed by time', () => {
    const tied = { runner: 'r1' }
    const known = { runners: [aRunner({ name: 'r1', dispatch: 'd1' })] }
    expect(free(tied, runnersAt(at('12:30:00'), [seen({ state: 'busy' })]), '12:30:01', known)).toBeNull()
  })

  test('of a runner that a look listed and a later one does not is freed, unless a job still runs on it', () => {
    const tied = { runner: 'r1' }
    const known = { runners: [aRunner({ name: 'r1', dispatch: 'd1' })] }
    expect(free(tied, runnersAt(at('12:03:00'), []), '12:03:01', known)).toBe('runner_gone')
    const working = { jobs: [aJob({ id: '5', state: 'running', startSpent: true, runnerName: 'r1' })] }
    expect(
      free({ ...tied, ran: { id: '5', round: 1 } }, runnersAt(at('12:03:00'), []), '12:03:01', {
        ...known,
        ...working,
      }),
    ).toBeNull()
  })

  test('that nobody can prove to be free is freed after one more ttl', () => {
    expect(free({}, nothing, '12:39:59')).toBeNull()
    expect(free({}, nothing, '12:40:00')).toBe('freed_without_proof')
  })
})

describe('a runner that goes without having worked while its job still waits', () => {
  const job = aJob({ id: '5', dispatches: 1 })
  const key = backoffKey.idledJob('main', job)
  const dispatch = aDispatch({ id: 'd1', job: { id: '5', round: 1 }, runner: 'r1' })
  const runner = aRunner({ name: 'r1', dispatch: 'd1' })

  test('puts that round in back-off, longer each time', () => {
    const known = { jobs: [job], dispatches: [dispatch], runners: [runner] }
    const first = bring(known, runnersAt(at('12:10:00'), []), at('12:10:01')).facts.backoffs.get(key)
    expect(first).toMatchObject({ failures: 1, until: at('12:11:01') })
    const second = bring(
      { ...known, backoffs: [first!] },
      runnersAt(at('12:10:00'), []),
      at('12:10:01'),
    ).facts.backoffs.get(key)
    expect(second).toMatchObject({ failures: 2, until: at('12:12:01') })
  })

  test('holds nothing back when it had worked', () => {
    const known = { jobs: [job], dispatches: [dispatch], runners: [{ ...runner, worked: true }] }
    expect(bring(known, runnersAt(at('12:10:00'), []), at('12:10:01')).facts.backoffs.size).toBe(0)
  })

  test('is forgiven when a run of the same repository finishes afterwards', () => {
    const backoffs = [{ key, instance: 'main', failures: 1, until: at('12:11:00') }]
    const signals = (time: string) => ({
      nudgedAt: null,
      jobEventAt: null,
      announcedSince: 0,
      finishedAt: new Map([['acme/widgets', at(time)]]),
    })
    expect(
      bring({ jobs: [job], backoffs, signals: signals('12:09:00') }, nothing, at('12:10:30')).changes.cleared,
    ).toEqual([])
    expect(
      bring({ jobs: [job], backoffs, signals: signals('12:10:20') }, nothing, at('12:10:30')).changes.cleared,
    ).toEqual([key])
  })
})

test('a job queued for a day that the forge never confirmed since has expired', () => {
  const job = aJob({ id: '5', firstSeenAt: at('12:00:00') })
  const day = 24 * 60 * 60_000
  expect(only(bring({ jobs: [job] }, nothing, at('12:00:00') + day - 1).facts.jobs).state).toBe('queued')
  expect(only(bring({ jobs: [job] }, nothing, at('12:00:00') + day).facts.jobs)).toMatchObject({
    state: 'finished',
    conclusion: 'expired',
  })
  expect(
    only(bring({ jobs: [{ ...job, confirmedAt: at('12:00:01') }] }, nothing, at('12:00:00') + day).facts.jobs).state,
  ).toBe('queued')
})

test("a running job that names a runner is believed before the forge's busy flag", () => {
  const job = aJob({ state: 'running', startSpent: true, runnerName: 'r1' })
  const { facts } = bring({ jobs: [job] }, runnersAt(at('12:00:20'), [seen({ state: 'idle' })]), at('12:00:21'))
  expect(only(facts.runners).state).toBe('busy')
})
