import { describe, expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, aToldJob, at } from '../support/builders.ts'
import { bring, listed, nothingSeen, runnersAt, seen, someRules } from '../support/reconciling.ts'

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}

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
    const { facts } = bring({ ...asked, jobs: [job] }, nothingSeen, at('12:00:21'))
    expect(only(facts.dispatches)).toMatchObject({ runner: 'muster-d1', ran: { id: '5', round: 1 } })
    expect(only(facts.runners)).toMatchObject({ state: 'busy', worked: true })
  })

  test('frees its slot when the job that ran on it is finished', () => {
    const tied = { ...dispatch, runner: 'muster-d1', ran: { id: '5', round: 1 } }
    const known = { jobs: [aJob({ id: '5', state: 'finished', startSpent: true })], dispatches: [tied] }
    const { facts, changes } = bring(known, nothingSeen, at('12:02:00'))
    expect(facts.dispatches).toEqual([])
    expect(only(changes.dispatches)).toMatchObject({ goneReason: 'job_finished' })
  })

  test('keeps its slot while the dispatcher still lists it, whatever became of the job', () => {
    const tied = { ...dispatch, runner: 'muster-d1', ran: { id: '5', round: 1 } }
    const known = { jobs: [aJob({ id: '5', state: 'finished', startSpent: true })], dispatches: [tied] }
    const running = (ids: string[]) => ({
      ...nothingSeen,
      running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: ids }]]),
    })
    const lists = { lists: new Set(['default']) }
    expect(bring(known, running(['d1']), at('12:02:00'), lists).facts.dispatches).toHaveLength(1)
    expect(bring(known, running([]), at('12:02:00'), lists).facts.dispatches).toEqual([])
  })

  test('is not missed in the list of another host', () => {
    const there = { ...dispatch, host: 'there' }
    const running = {
      ...nothingSeen,
      running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: [] }]]),
    }
    expect(
      bring({ dispatches: [there] }, running, at('12:02:00'), { lists: new Set(['default']) }).facts.dispatches,
    ).toHaveLength(1)
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
    const { facts } = bring({ jobs: [job], dispatches: [older, newer] }, nothingSeen, at('12:00:31'))
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
    const { facts } = bring({ jobs: [started], dispatches }, nothingSeen, at('12:00:31'))
    expect(facts.dispatches.map(({ coverEndedAt }) => coverEndedAt)).toEqual([at('12:00:31'), null])
    const again = reconcile(facts, nothingSeen, at('12:00:40'), someRules()).facts
    expect(again.dispatches.map(({ coverEndedAt }) => coverEndedAt)).toEqual([at('12:00:31'), null])
  })

  test('spends an idle runner that it fits', () => {
    const { facts } = bring(
      { jobs: [started], runners: [aRunner({ labels: ['windows'] }), aRunner()] },
      nothingSeen,
      at('12:00:31'),
    )
    expect(facts.runners.map(({ state }) => state)).toEqual(['idle', 'busy'])
  })

  test('is none of what was sent only after it was seen to run', () => {
    const late = aDispatch({ intendedAt: at('12:00:30'), sentAt: at('12:00:31') })
    const { facts } = bring({ jobs: [started], dispatches: [late] }, nothingSeen, at('12:00:32'))
    expect(only(facts.dispatches).coverEndedAt).toBeNull()
  })

  test('may have taken a warm runner that no list shows, long after its boot_timeout, until its ttl', () => {
    const warm = aDispatch({ id: 'd1', intendedAt: at('11:45:00'), sentAt: at('11:45:00') })
    const { facts } = bring({ jobs: [started], dispatches: [warm] }, nothingSeen, at('12:00:31'))
    expect(only(facts.dispatches).coverEndedAt).toBe(at('12:00:31'))
    const over = { ...warm, ttl: 10 * 60_000 }
    expect(only(bring({ jobs: [started], dispatches: [over] }, nothingSeen, at('12:00:31')).facts.dispatches)).toEqual(
      expect.objectContaining({ coverEndedAt: null }),
    )
  })

  test('spends nothing when it was cancelled before it could start', () => {
    const cancelled = aJob({ state: 'finished', conclusion: 'cancelled', seenRunningAt: null })
    const { facts } = bring(
      { jobs: [cancelled], runners: [aRunner()], dispatches: [aDispatch()] },
      nothingSeen,
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

test("a running job that names a runner is believed before the forge's busy flag", () => {
  const job = aJob({ state: 'running', startSpent: true, runnerName: 'r1' })
  const { facts } = bring({ jobs: [job] }, runnersAt(at('12:00:20'), [seen({ state: 'idle' })]), at('12:00:21'))
  expect(only(facts.runners).state).toBe('busy')
})
