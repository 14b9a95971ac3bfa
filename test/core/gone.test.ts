import { describe, expect, test } from 'vitest'
import { backoffKey } from '../../src/core/backoff.ts'
import type { Look } from '../../src/core/look.ts'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, aToldJob, at } from '../support/builders.ts'
import { bring, listed, nothingSeen, runnersAt, seen, someRules } from '../support/reconciling.ts'

const only = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}

describe('a round whose runner has ended before any look saw it run', () => {
  const job = aJob({ id: '5', dispatches: 1, listedAt: at('12:00:00') })
  const lists = { lists: new Set(['default']) }
  const ended = {
    ...nothingSeen,
    running: new Map([['default', { askedAt: at('12:02:00'), complete: true, dispatches: [] }]]),
  }
  const known = { jobs: [job], dispatches: [aDispatch({ id: 'd1', job: { id: '5', round: 1 } })] }
  const doubted = () => bring(known, ended, at('12:02:00'), lists).facts

  test('is doubted, so that a look comes before another runner', () => {
    expect(only(doubted().jobs).doubtedAt).toBe(at('12:02:00'))
  })

  test('is believed again when a look that began later still lists it as queued', () => {
    const look = listed(at('12:02:01'), [aToldJob({ id: '5' })])
    expect(only(reconcile(doubted(), look, at('12:02:02'), someRules()).facts.jobs)).toMatchObject({
      state: 'queued',
      doubtedAt: null,
    })
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
    expect(free({}, nothingSeen, '12:39:59')).toBeNull()
    expect(free({}, nothingSeen, '12:40:00')).toBe('freed_without_proof')
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
      bring({ jobs: [job], backoffs, signals: signals('12:09:00') }, nothingSeen, at('12:10:30')).changes.cleared,
    ).toEqual([])
    expect(
      bring({ jobs: [job], backoffs, signals: signals('12:10:20') }, nothingSeen, at('12:10:30')).changes.cleared,
    ).toEqual([key])
  })
})

test('a slot is not freed by the end of a job that its runner only seemed to have taken: the same look shows it at work', () => {
  const job = aJob({ id: '5', state: 'running', startSpent: true, seenRunningAt: at('12:00:10') })
  const dispatch = aDispatch({ id: 'd1', runner: 'muster-d1', tiedBy: 'name', ran: { id: '5', round: 1 } })
  const runners = [aRunner({ name: 'muster-d1', dispatch: 'd1', state: 'busy' })]
  const look = {
    ...listed(at('12:05:00'), []),
    runners: { complete: true, runners: [seen({ name: 'muster-d1', state: 'busy' })] },
  }
  const { facts } = bring({ jobs: [job], dispatches: [dispatch], runners }, look, at('12:05:01'))
  expect(facts.jobs[0]?.state).toBe('finished')
  expect(facts.dispatches[0]).toMatchObject({ goneAt: null, ran: null })
})
