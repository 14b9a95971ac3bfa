import { expect, test } from 'vitest'
import { type Circumstances, explain, type Told } from '../../src/core/explain.ts'
import type { Job } from '../../src/core/job.ts'
import { nextStep } from '../../src/core/next-step.ts'
import { type Verdict, verdictKinds } from '../../src/core/verdict.ts'
import { aDispatch, aJob, aRunner, aStoredEvent, aTarget, at } from '../support/builders.ts'
import { giteaRules } from '../support/snapshot.ts'

const now = at('12:00:30')

function aVerdict(over: Partial<Verdict> = {}): Verdict {
  return { kind: 'full', target: 'linux', reason: null, by: null, dispatcher: null, until: null, ...over }
}

type Over = Partial<Omit<Told, 'circumstances' | 'job' | 'verdict'>> & {
  job?: Partial<Job>
  verdict?: Partial<Verdict> | null
  around?: Partial<Circumstances>
}

/** A queued job of the target `linux`, of which 10 may run, half a minute after it came. */
function told({ job, verdict = null, around, ...over }: Over = {}): Told {
  const none = { refused: null, idled: null, breaker: null }
  return {
    now,
    job: aJob({ id: '7', queuedAt: null, ...job }),
    verdict: verdict && aVerdict(verdict),
    trail: [],
    targets: [aTarget({ max: 10 })],
    rules: giteaRules,
    maxParallel: null,
    dryRun: false,
    ...over,
    circumstances: {
      live: 0,
      retries: 0,
      ahead: 0,
      oldestEndsAt: null,
      ofDispatcher: 0,
      dispatch: null,
      runner: null,
      backoffs: none,
      paused: null,
      ...around,
    },
  }
}

const backoff = (failures: number) => ({ key: 'k', instance: 'main', failures, until: at('12:00:34') })
const backoffs = { refused: null, idled: null, breaker: null }
const oldest = { oldestEndsAt: at('14:05:00') }
const sent = { id: 'd', job: { id: '7', round: 1 }, intendedAt: at('12:00:18') }

const cases: [Over, string][] = [
  [{ verdict: null }, 'it has just come: no turn has seen it yet'],
  [{ verdict: { kind: 'dispatching', dispatcher: 'nomad' } }, 'a runner is being asked for at dispatcher nomad'],
  [
    { verdict: { kind: 'dispatching', dispatcher: 'nomad', reason: 'fallback_refused' } },
    'a runner is being asked for at dispatcher nomad (the one before refused this job)',
  ],
  [
    { verdict: { kind: 'dispatching', dispatcher: 'nomad', reason: 'fallback_down' } },
    'a runner is being asked for at dispatcher nomad (the one before is down)',
  ],
  [
    { verdict: { kind: 'dispatching', dispatcher: 'nomad', reason: 'fallback_max_parallel' } },
    'a runner is being asked for at dispatcher nomad (the one before has no room)',
  ],
  [
    { verdict: { kind: 'dispatching', dispatcher: 'nomad' }, dryRun: true },
    'a runner would be asked for at dispatcher nomad, but for dry_run',
  ],
  [
    {
      verdict: { kind: 'covered', by: { runner: 'r1' }, until: at('12:01:00') },
      around: { runner: aRunner({ name: 'r1' }) },
    },
    'runner r1 is idle and offers its labels; it is believed to take the job until 12:01:00 UTC',
  ],
  [
    {
      verdict: { kind: 'covered', by: { dispatch: 'd' }, dispatcher: 'default', until: at('12:05:18') },
      around: { dispatch: aDispatch(sent) },
    },
    'runner muster-d is booting: dispatcher default was asked for it 12 s ago; it has until 12:05 UTC to show itself',
  ],
  [
    {
      verdict: { kind: 'covered', by: { dispatch: 'd' } },
      around: { dispatch: aDispatch({ ...sent, state: 'sent' }) },
    },
    'runner muster-d was asked for at dispatcher default 12 s ago, and it has not answered yet; it has until 12:05 UTC to show itself',
  ],
  [
    {
      verdict: { kind: 'covered', by: { dispatch: 'd' } },
      around: { dispatch: aDispatch({ ...sent, state: 'unknown', named: false }) },
    },
    'its runner was asked for at dispatcher default 12 s ago, and nobody knows whether it was started; it has until 12:05 UTC to show itself',
  ],
  [
    {
      verdict: { kind: 'covered', by: { dispatch: 'd' }, reason: 'fallback_down' },
      around: { dispatch: aDispatch({ ...sent, state: 'intended', sentAt: null }) },
    },
    'runner muster-d is about to be asked for at dispatcher default (the one before is down)',
  ],
  [
    { verdict: { kind: 'covered', reason: 'look_owed' } },
    'a runner that was asked for it has ended, and a look will tell whether it had run',
  ],
  [
    { verdict: { kind: 'covered', reason: 'events_awaited' } },
    'a runner that was asked for it has ended where no look can tell: its own events get 10 s to come',
  ],
  [
    { verdict: { kind: 'full', reason: 'max' }, around: { live: 10, ahead: 3, ...oldest } },
    'target linux is full: 10 of 10 runners live, 3 jobs are ahead, the oldest runner ends by 14:05 UTC',
  ],
  [
    { verdict: { kind: 'full', reason: 'max' }, around: { live: 10, ahead: 1 } },
    'target linux is full: 10 of 10 runners live, 1 job is ahead',
  ],
  [
    { verdict: { kind: 'full', reason: 'retries' }, around: { live: 6, retries: 5, ...oldest } },
    'runners idled out for such jobs before, and they may take 5 of the 10 runners of target linux: 5 such runners and the oldest runner ends by 14:05 UTC',
  ],
  [
    {
      verdict: { kind: 'full', reason: 'max_parallel', dispatcher: 'mac' },
      around: { ofDispatcher: 4, ...oldest },
      maxParallel: 4,
    },
    'dispatcher mac is full: 4 of 4 runners live (max_parallel), the oldest runner ends by 14:05 UTC',
  ],
  [
    { verdict: { kind: 'full', reason: 'max_parallel', dispatcher: 'mac' }, around: { live: 2 } },
    'a limit that others share is reached: 2 of 10 runners of target linux live',
  ],
  [
    {
      verdict: { kind: 'unmatched', target: null },
      job: { target: null, unassigned: 'unmatched', labels: ['linux', 'gpu-a100'] },
      targets: [aTarget({ name: 'gpu', labels: ['linux', 'gpu'] }), aTarget({ name: 'mac', labels: ['macos'] })],
    },
    'no target offers gpu-a100; target gpu offers the rest: linux',
  ],
  [{ verdict: { kind: 'unmatched' } }, 'its target linux is no longer configured, and the next look finds it another'],
  [
    {
      verdict: { kind: 'not_allowed', target: null },
      job: { target: null, unassigned: 'not_allowed' },
      targets: [aTarget({ allowRepos: ['acme/gadgets'] })],
    },
    'allow_repos of target linux does not let acme/widgets in',
  ],
  [
    {
      verdict: { kind: 'not_allowed', target: null, reason: 'repository_unknown' },
      job: { target: null, unassigned: 'repository_unknown', repository: null },
      targets: [aTarget({ allowRepos: ['acme/gadgets'] }), aTarget({ name: 'mac', allowRepos: ['acme/*'] })],
    },
    'targets may take it only from some repositories (allow_repos), and nobody told of which repository it is',
  ],
  [
    {
      verdict: { kind: 'backoff', reason: 'refused', until: at('12:00:34') },
      trail: [aStoredEvent({ type: 'dispatch_refused', detail: { reason: '507 no space' } })],
      around: { backoffs: { ...backoffs, refused: backoff(2) } },
    },
    'its runner was refused 2 times: 507 no space; target linux asks again at 12:00:34 UTC (in 4 s)',
  ],
  [
    {
      verdict: { kind: 'backoff', reason: 'idled_out', until: at('12:02:30') },
      around: { backoffs: { ...backoffs, idled: backoff(2) } },
    },
    '2 runners waited for it in vain and ended idle; the next one is asked for at 12:02 UTC (in 2 min)',
  ],
  [
    {
      verdict: { kind: 'dispatcher_down', reason: 'default', until: at('12:00:34') },
      around: { backoffs: { ...backoffs, breaker: backoff(5) } },
    },
    'dispatcher default is down: it failed 5 times in a row; the next try is at 12:00:34 UTC (in 4 s)',
  ],
  [
    { verdict: { kind: 'waiting' }, job: { state: 'waiting' } },
    'it waits at the forge: for other jobs, for its concurrency group, or for an approval',
  ],
  [
    {
      verdict: { kind: 'paused' },
      around: { paused: { at: at('11:12:00'), by: 'ann', reason: 'new disks' } },
    },
    'instance main is paused by ann since 11:12 UTC (new disks): nothing is dispatched for it',
  ],
  [{ verdict: { kind: 'paused' } }, 'instance main is paused: nothing is dispatched for it'],
  [
    { verdict: { kind: 'stuck', until: at('12:40:00') }, job: { dispatches: 3 } },
    '3 runners came to nothing for it, and that is as many as it may have; one more may be asked for at 12:40 UTC (in 40 min)',
  ],
  [{ verdict: { kind: 'backlog_cap' } }, 'it is kept for later: target linux has as long a queue as it may have'],
  [
    { verdict: { kind: 'running' }, job: { state: 'running', runnerName: 'muster-d', startedAt: at('12:00:20') } },
    'it runs on muster-d since 12:00:20 UTC: it waited 20 s',
  ],
  [
    { job: { state: 'running', startedAt: null, seenRunningAt: null, seenQueuedAt: null } },
    'it runs on a runner that nobody named',
  ],
]

test.each(cases)('%j is told as "%s"', (over, sentence) => {
  expect(explain(told(over))).toBe(sentence)
})

test('each verdict has its sentence, and what happens next', () => {
  const seen = new Set(cases.flatMap(([{ verdict }]) => verdict?.kind ?? []))
  expect(verdictKinds.filter((kind) => !seen.has(kind))).toEqual([])
  for (const [over] of cases) expect(nextStep(told(over), null).sentence).toMatch(/^[a-z].*[a-z)]$/)
})

const done = { state: 'finished', seenQueuedAt: at('10:00:00'), firstSeenAt: at('10:00:00') } as const

test.each<[Partial<Job>, string]>([
  [
    { seenRunningAt: at('10:00:04'), seenFinishedAt: at('10:03:04'), runnerName: 'muster-d', conclusion: 'success' },
    'waited 4 s, booted in 12 s, ran 3 min on muster-d, success',
  ],
  [
    { seenRunningAt: null, seenFinishedAt: at('10:20:00'), conclusion: 'cancelled', startedAt: null },
    'waited 20 min, never ran, cancelled',
  ],
  [
    { seenRunningAt: null, seenFinishedAt: at('10:20:00'), conclusion: 'cancelled', startedAt: at('10:20:00') },
    'waited 20 min, never ran, cancelled',
  ],
  [
    { seenRunningAt: null, seenFinishedAt: at('10:20:00'), conclusion: null, startedAt: null },
    'waited 20 min, never ran, the forge did not say how it ended',
  ],
  [
    {
      queuedAt: at('09:59:58'),
      startedAt: at('10:00:00'),
      finishedAt: at('12:05:00'),
      conclusion: 'failure',
      seenRunningAt: null,
    },
    'waited 2 s, ran 2 h 5 min, failure',
  ],
])('a job that is over (%j) tells how it went: %s', (job, sentence) => {
  const trail = [
    aStoredEvent({ type: 'dispatch_sent', at: at('10:00:00'), dispatch: 'd' }),
    aStoredEvent({ type: 'runner_tied', at: at('10:00:12'), dispatch: 'd', runner: 'muster-d' }),
  ]
  const mine = job.runnerName === 'muster-d' ? trail : []
  expect(explain(told({ job: { finishedAt: null, startedAt: null, ...done, ...job }, trail: mine }))).toBe(sentence)
})

test('what happens next names its moment, and the next look', () => {
  const full = told({ verdict: { kind: 'full', reason: 'max' }, around: { live: 10, ahead: 3, ...oldest } })
  expect(nextStep(full, at('12:01:00'))).toEqual({
    sentence:
      'a runner is asked for once one of target linux has ended and no job is ahead; the next look is at 12:01:00 UTC (in 30 s)',
    at: at('14:05:00'),
  })
  const late = told({ verdict: { kind: 'covered', by: { dispatch: 'd' }, until: at('12:05:18') } })
  expect(nextStep(late, null)).toEqual({
    sentence: 'the runner takes the job; if it has not shown itself by 12:05 UTC (in 5 min), another is asked for',
    at: at('12:05:18'),
  })
  expect(nextStep(told({ job: done }), null)).toEqual({ sentence: null, at: null })
})
