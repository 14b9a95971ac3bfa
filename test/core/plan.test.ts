import { describe, expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import { jobKey } from '../../src/core/job.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRunner, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const decide = (over: Parameters<typeof aSnapshot>[0]) => plan(aSnapshot(over))
const kinds = (over: Parameters<typeof aSnapshot>[0]) => [...decide(over).verdicts.values()].map(({ kind }) => kind)
const jobs = (count: number, over: Parameters<typeof aJob>[0] = {}) => Array.from({ length: count }, () => aJob(over))
const minute = 60_000

describe('a plan', () => {
  test('asks for one runner for each queued job, in one turn', () => {
    expect(decide({ jobs: jobs(7) }).wanted).toHaveLength(7)
  })

  test('subtracts idle runners and runners that are still booting', () => {
    const known = {
      jobs: jobs(7),
      runners: [aRunner(), aRunner()],
      dispatches: [aDispatch(), aDispatch(), aDispatch()],
    }
    expect(decide(known).wanted).toHaveLength(2)
  })

  // actions-runner-controller#4315: five completions that were sent again cancelled out one new queued job.
  test('never lets finished jobs cancel out a waiting one', () => {
    expect(decide({ jobs: [aJob(), ...jobs(5, { state: 'finished' })] }).wanted).toHaveLength(1)
  })

  test('never passes max, and says so', () => {
    const targets = [aTarget({ max: 3 })]
    const { wanted, verdicts } = decide({ jobs: jobs(5), dispatches: [aDispatch({ runner: 'busy' })], targets })
    expect(wanted).toHaveLength(2)
    expect([...verdicts.values()].filter(({ kind }) => kind === 'full')).toHaveLength(3)
  })

  test('counts a dispatch toward max for as long as it is not gone, long after it ceased to cover', () => {
    const dispatches = [aDispatch({ intendedAt: at('11:00:00'), state: 'unknown' })]
    expect(kinds({ jobs: jobs(1), dispatches, targets: [aTarget({ max: 1 })] })).toEqual(['full'])
  })

  test('does not count foreign runners toward max, but lets them take jobs', () => {
    const runners = [aRunner(), aRunner({ state: 'busy' })]
    expect(kinds({ jobs: jobs(2), runners, targets: [aTarget({ max: 1 })] })).toEqual(['covered', 'dispatching'])
  })

  test('believes in a start until boot_timeout and no longer', () => {
    const known = { jobs: jobs(1, { dispatches: 1 }), dispatches: [aDispatch({ intendedAt: at('12:00:00') })] }
    expect(kinds({ ...known, now: at('12:04:59') })).toEqual(['covered'])
    expect(kinds({ ...known, now: at('12:05:00') })).toEqual(['dispatching'])
  })

  test('believes in a dispatch that was not sent yet without end', () => {
    const dispatches = [aDispatch({ state: 'intended', intendedAt: at('11:00:00') })]
    expect(kinds({ jobs: jobs(1), dispatches })).toEqual(['covered'])
  })

  test('does not believe in a dispatch whose cover was ended', () => {
    expect(kinds({ jobs: jobs(1), dispatches: [aDispatch({ coverEndedAt: at('12:00:05') })] })).toEqual(['dispatching'])
  })

  test('spends an idle runner once over all targets', () => {
    const targets = [aTarget({ name: 'linux' }), aTarget({ name: 'gpu', labels: ['linux', 'gpu'] })]
    const gpu = aJob({ labels: ['gpu'], target: 'gpu' })
    const plain = aJob({ firstSeenAt: at('11:59:00') })
    const { wanted, verdicts } = decide({
      jobs: [gpu, plain],
      runners: [aRunner({ labels: ['linux', 'gpu'] })],
      targets,
    })
    expect(verdicts.get(jobKey(plain))?.kind).toBe('covered')
    expect(wanted.map(({ target }) => target)).toEqual(['gpu'])
  })

  test('spends the most specific runner last', () => {
    const targets = [aTarget({ name: 'linux' }), aTarget({ name: 'gpu', labels: ['linux', 'gpu'] })]
    const runners = [aRunner({ labels: ['linux', 'gpu'] }), aRunner({ labels: ['linux'] })]
    const older = aJob({ firstSeenAt: at('11:59:00') })
    const gpu = aJob({ labels: ['gpu'], target: 'gpu' })
    expect(decide({ jobs: [older, gpu], runners, targets }).wanted).toEqual([])
  })

  test('serves the oldest first when there is not room for all', () => {
    const young = aJob({ firstSeenAt: at('12:00:05') })
    const old = aJob({ firstSeenAt: at('11:59:05') })
    const { verdicts } = decide({ jobs: [young, old], targets: [aTarget({ max: 1 })] })
    expect(verdicts.get(jobKey(old))?.kind).toBe('dispatching')
    expect(verdicts.get(jobKey(young))?.kind).toBe('full')
  })

  test('keeps a runner that is bound by a handle for its own round', () => {
    const bound = aJob({ handle: 'h1' })
    const other = aJob()
    const dispatches = [aDispatch({ handle: 'h1', job: { id: bound.id, round: 1 } })]
    const { verdicts } = decide({ jobs: [other, bound], dispatches })
    expect(verdicts.get(jobKey(bound))?.kind).toBe('covered')
    expect(verdicts.get(jobKey(other))?.kind).toBe('dispatching')
  })

  test('believes an idle runner for 60 s after both it and the job were seen', () => {
    const known = { jobs: jobs(1, { firstSeenAt: at('12:00:30') }), runners: [aRunner()] }
    expect(kinds({ ...known, now: at('12:01:29') })).toEqual(['covered'])
    expect(kinds({ ...known, now: at('12:01:30') })).toEqual(['dispatching'])
  })

  test('asks for no second runner while a look has still to tell whether the first one served the job', () => {
    const known = { jobs: jobs(1, { doubtedAt: at('12:00:08'), dispatches: 1 }) }
    expect(kinds(known)).toEqual(['covered'])
    expect(kinds({ ...known, now: at('12:01:08') })).toEqual(['dispatching'])
  })

  test('says when it would decide otherwise', () => {
    expect(decide({ jobs: jobs(1), runners: [aRunner()] }).wakeAt).toBe(at('12:01:00'))
    expect(decide({ jobs: jobs(1), dispatches: [aDispatch()] }).wakeAt).toBe(at('12:05:00'))
    expect(decide({}).wakeAt).toBeNull()
  })
})

describe('the verdict of a job', () => {
  test.each`
    state        | over                                           | kind
    ${'waiting'} | ${{}}                                          | ${'waiting'}
    ${'running'} | ${{ runnerName: 'r1' }}                        | ${'running'}
    ${'queued'}  | ${{ target: null, unassigned: 'unmatched' }}   | ${'unmatched'}
    ${'queued'}  | ${{ target: null, unassigned: 'not_allowed' }} | ${'not_allowed'}
    ${'queued'}  | ${{ target: 'a target that was taken out' }}   | ${'unmatched'}
  `('that is $state with $over is $kind', ({ state, over, kind }) => {
    expect(kinds({ jobs: [aJob({ state, ...over })] })).toEqual([kind])
  })

  test('tells an unknown repository apart from one that is not allowed', () => {
    const job = aJob({ target: null, unassigned: 'repository_unknown' })
    expect(decide({ jobs: [job] }).verdicts.get(jobKey(job))).toMatchObject({
      kind: 'not_allowed',
      reason: 'repository_unknown',
    })
  })

  test('is paused while the instance is, unless something covers it already', () => {
    expect(kinds({ jobs: jobs(2), runners: [aRunner()], paused: true })).toEqual(['covered', 'paused'])
  })

  test('is backoff after a refusal, until its time has come', () => {
    const job = aJob()
    const backoffs = [
      { key: backoffKey.refusedJob('main', job, 'default'), instance: 'main', failures: 2, until: at('12:00:12') },
    ]
    expect(decide({ jobs: [job], backoffs }).verdicts.get(jobKey(job))).toMatchObject({
      kind: 'backoff',
      reason: 'refused',
    })
    expect(kinds({ jobs: [job], backoffs, now: at('12:00:12') })).toEqual(['dispatching'])
  })

  test('is dispatcher_down while the breaker is open, and one job goes through as the probe', () => {
    const backoffs = [{ key: backoffKey.breaker('default'), instance: '', failures: 3, until: at('12:00:12') }]
    expect(kinds({ jobs: jobs(3), backoffs })).toEqual(['dispatcher_down', 'dispatcher_down', 'dispatcher_down'])
    expect(kinds({ jobs: jobs(3), backoffs, now: at('12:00:13') })).toEqual([
      'dispatching',
      'dispatcher_down',
      'dispatcher_down',
    ])
  })

  test('is dispatcher_down while a probe has no outcome yet, however long that takes', () => {
    const backoffs = [{ key: backoffKey.breaker('default'), instance: '', failures: 3, until: at('12:00:06') }]
    const probe = aDispatch({ state: 'sent', intendedAt: at('12:00:05'), answeredAt: null })
    const known = { backoffs, dispatches: [probe], now: at('12:00:15') }
    expect(kinds({ ...known, jobs: jobs(3) })).toEqual(['covered', 'dispatcher_down', 'dispatcher_down'])
    const answered = { ...known, dispatches: [{ ...probe, state: 'unknown' as const }] }
    expect(kinds({ ...answered, jobs: jobs(3) })).toEqual(['covered', 'dispatching', 'dispatcher_down'])
  })

  test.each`
    age   | dispatches | kind
    ${1}  | ${2}       | ${'dispatching'}
    ${1}  | ${3}       | ${'stuck'}
    ${39} | ${3}       | ${'stuck'}
    ${40} | ${3}       | ${'dispatching'}
    ${80} | ${4}       | ${'dispatching'}
    ${80} | ${5}       | ${'stuck'}
  `('queued for $age minutes after $dispatches runners of 20 minutes is $kind', ({ age, dispatches, kind }) => {
    const firstSeenAt = at('12:00:00') - age * minute
    expect(kinds({ jobs: [aJob({ firstSeenAt, dispatches })], now: at('12:00:00') })).toEqual([kind])
  })
})

describe('a round for which a runner idled out', () => {
  const held = aJob({ firstSeenAt: at('11:00:00'), dispatches: 1 })
  const idled = (until: number) => [{ key: backoffKey.idledJob('main', held), instance: 'main', failures: 1, until }]

  test('waits for its back-off to end', () => {
    expect(kinds({ jobs: [held], backoffs: idled(at('12:01:00')) })).toEqual(['backoff'])
  })

  test('comes after all fresh jobs', () => {
    const fresh = aJob()
    const { verdicts } = decide({
      jobs: [held, fresh],
      backoffs: idled(at('12:00:00')),
      targets: [aTarget({ max: 1 })],
    })
    expect(verdicts.get(jobKey(fresh))?.kind).toBe('dispatching')
    expect(verdicts.get(jobKey(held))?.kind).toBe('full')
  })

  test('takes at most half of max together with others of its kind', () => {
    const rounds = Array.from({ length: 4 }, () => aJob({ dispatches: 1 }))
    const backoffs = rounds.map((job) => ({
      key: backoffKey.idledJob('main', job),
      instance: 'main',
      failures: 1,
      until: at('12:00:00'),
    }))
    const { wanted, verdicts } = decide({ jobs: rounds, backoffs, targets: [aTarget({ max: 4 })] })
    expect(wanted).toHaveLength(2)
    expect([...verdicts.values()].filter(({ reason }) => reason === 'retries')).toHaveLength(2)
  })
})

describe('min_idle', () => {
  const warm = (over = {}) => [aTarget({ minIdle: 2, ...over })]

  test('is kept with nothing queued', () => {
    expect(decide({ targets: warm() }).wanted).toHaveLength(2)
  })

  test('is filled up beside the jobs, not by the runners that jobs need', () => {
    expect(
      decide({ targets: warm(), jobs: jobs(1), runners: [aRunner()], dispatches: [aDispatch()] }).wanted,
    ).toHaveLength(1)
  })

  test('counts booting runners, so that it does not grow with each turn', () => {
    expect(decide({ targets: warm(), dispatches: [aDispatch(), aDispatch()] }).wanted).toEqual([])
  })

  test('waits for the first look: before it nobody knows what is idle', () => {
    expect(decide({ targets: warm(), looked: false }).wanted).toEqual([])
  })

  test('is not filled for one ttl after the state began anew: runners that nobody remembers may live so long', () => {
    const rebuiltAt = at('12:00:00')
    const late = decide({ targets: warm(), rebuiltAt, now: at('12:19:59') })
    expect(late).toMatchObject({ wanted: [], wakeAt: at('12:20:00') })
    expect(decide({ targets: warm(), rebuiltAt, now: at('12:20:00') }).wanted).toHaveLength(2)
    expect(decide({ targets: warm(), rebuiltAt, now: at('12:00:10'), jobs: jobs(1) }).wanted).toHaveLength(1)
  })

  test('is topped up at most once per ttl while no look of runners succeeds', () => {
    const dispatches = [aDispatch(), aDispatch()]
    expect(decide({ targets: warm(), dispatches, now: at('12:19:59'), runnersSeenAt: at('11:59:00') }).wanted).toEqual(
      [],
    )
    expect(
      decide({ targets: warm(), dispatches, now: at('12:20:00'), runnersSeenAt: at('11:59:00') }).wanted,
    ).toHaveLength(2)
  })

  test('is topped up when a complete look shows that the runners did not come', () => {
    const dispatches = [aDispatch(), aDispatch()]
    expect(
      decide({ targets: warm(), dispatches, now: at('12:05:10'), runnersSeenAt: at('12:05:01') }).wanted,
    ).toHaveLength(2)
  })

  test('is not kept above max, nor while paused', () => {
    expect(decide({ targets: warm({ max: 1 }) }).wanted).toHaveLength(1)
    expect(decide({ targets: warm(), paused: true }).wanted).toEqual([])
  })

  test('is what the schedule says in a minute that it names', () => {
    const schedule = [{ cron: '* 12 * * *', timezone: 'UTC', minIdle: 5 }]
    expect(decide({ targets: [aTarget({ schedule })] }).wanted).toHaveLength(5)
    expect(decide({ targets: [aTarget({ schedule })], now: at('13:00:00') }).wanted).toEqual([])
  })
})

describe('an idle runner of ours', () => {
  const dispatch = aDispatch({ id: 'd1' })
  const tied = { ...dispatch, runner: 'muster-d1', tiedBy: 'name' as const }
  const runner = (over = {}) => aRunner({ name: 'muster-d1', id: '7', dispatch: 'd1', idleLooks: 2, ...over })
  const late = at('12:05:00')
  const stoppable = new Set(['default'])

  test('is ended after idle_timeout', () => {
    const { stops } = decide({ dispatches: [tied], runners: [runner()], stoppable, now: late })
    expect(stops).toMatchObject([{ runner: { id: '7' }, why: 'idle_timeout' }])
  })

  test('is ended after idle_timeout though its target is configured no more, and not before', () => {
    const targets = [aTarget({ name: 'another', labels: ['another'], minIdle: 1 })]
    const known = { targets, dispatches: [tied], runners: [runner()], stoppable }
    expect(decide({ ...known, now: late }).stops).toMatchObject([{ runner: { id: '7' }, why: 'idle_timeout' }])
    expect(decide({ ...known, now: late - 1_000 }).stops).toEqual([])
  })

  test.each`
    reason                                   | over
    ${'it was seen idle only once'}          | ${{ runner: { idleLooks: 1 } }}
    ${'it is busy'}                          | ${{ runner: { state: 'busy', idleSince: null } }}
    ${'it was tied by inference'}            | ${{ dispatch: { tiedBy: 'inference' } }}
    ${'its dispatcher cannot stop anything'} | ${{ stoppable: new Set() }}
    ${'its time has not come'}               | ${{ now: at('12:04:59') }}
  `('stays when $reason', ({ over }) => {
    const known = { dispatches: [{ ...tied, ...over.dispatch }], runners: [runner(over.runner)] }
    expect(decide({ ...known, stoppable: over.stoppable ?? stoppable, now: over.now ?? late }).stops).toEqual([])
  })

  test('stays when min_idle needs it', () => {
    const known = { dispatches: [tied], runners: [runner()], targets: [aTarget({ minIdle: 1 })] }
    expect(decide({ ...known, stoppable, now: late }).stops).toEqual([])
  })

  test('is replaced past half its ttl, the new one first', () => {
    const targets = [aTarget({ minIdle: 1 })]
    const old = { dispatches: [tied], runners: [runner()], targets, stoppable, now: at('12:11:00') }
    expect(decide(old)).toMatchObject({ wanted: [{ job: null }], stops: [] })
    const fresh = aRunner({ name: 'muster-d2', dispatch: 'd2', firstSeenAt: at('12:10:00') })
    const both = {
      ...old,
      dispatches: [tied, aDispatch({ id: 'd2', intendedAt: at('12:09:00'), runner: 'muster-d2' })],
      runners: [runner(), fresh],
    }
    expect(decide(both)).toMatchObject({ wanted: [], stops: [{ why: 'too_old', runner: { id: '7' } }] })
  })

  test('is ended at once when it is bound to a round that is over', () => {
    const bound = { ...tied, handle: 'h1', job: { id: '1', round: 1 } }
    const over = { dispatches: [bound], runners: [runner()], jobs: [aJob({ id: '1', state: 'finished' })], stoppable }
    expect(decide(over).stops).toMatchObject([{ why: 'job_over' }])
  })
})
