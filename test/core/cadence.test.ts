import { describe, expect, test } from 'vitest'
import {
  eventsNeeded,
  fitMode,
  lookBegan,
  lookEnded,
  nextLookAt,
  nextMode,
  startCadence,
} from '../../src/core/cadence.ts'
import type { Signals } from '../../src/core/facts.ts'
import { at } from '../support/builders.ts'

const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
const quiet: Signals = { nudgedAt: null, jobEventAt: null, announcedSince: 0, finishedAt: new Map() }
const start = (over = {}) => startCadence({ ...settings, ...over }, at('12:00:00'))
const look = (cadence: ReturnType<typeof start>, time: string, over = {}) =>
  lookEnded(
    lookBegan(cadence, at(time)),
    { beganAt: at(time), complete: true, jobsComplete: true, jobsFailed: false, retryAt: null, ...over },
    at(time),
  )
const next = (
  cadence: ReturnType<typeof start>,
  over: { owed?: number[]; signals?: Partial<Signals>; settings?: object; now?: string } = {},
) =>
  nextLookAt(
    cadence,
    { ...settings, ...over.settings },
    over.owed ?? [],
    { ...quiet, ...over.signals },
    at(over.now ?? '12:00:01'),
  )
const event = (time: string, announcedSince = 0): Signals => ({ ...quiet, jobEventAt: at(time), announcedSince })

describe('an instance at start', () => {
  test('looks at once, then each poll_interval', () => {
    expect(next(start(), { now: '12:00:00' })).toBe(at('12:00:00'))
    expect(next(look(start(), '12:00:00'))).toBe(at('12:00:30'))
  })

  test('polls until the first job event over HTTP, then keeps the slow beat', () => {
    const polling = look(start(), '12:00:00')
    const webhook = nextMode(polling, 0, event('12:00:10'), at('12:00:10'))
    expect(webhook.mode).toBe('webhook')
    expect(next(webhook)).toBe(at('12:05:00'))
  })

  test('is not moved by a job event of an earlier process', () => {
    expect(nextMode(start(), 0, event('11:59:59'), at('12:00:10')).mode).toBe('polling')
  })

  test('with disable_polling looks at start and then only by the slow beat', () => {
    const only = start({ disablePolling: true })
    expect(only.mode).toBe('webhook_only')
    expect(next(look(only, '12:00:00'))).toBe(at('12:05:00'))
  })
})

describe('reconcile_interval 0', () => {
  const webhook = nextMode(look(start(), '12:00:00'), 0, event('12:00:10'), at('12:00:10'))
  const never = { settings: { reconcileInterval: 0 } }

  test('ends the slow beat', () => {
    expect(next(webhook, never)).toBeNull()
  })

  test('does not end the looks that are owed', () => {
    expect(next(webhook, { ...never, owed: [at('12:05:00')] })).toBe(at('12:05:00'))
  })
})

describe('an owed look', () => {
  test('is answered by a complete look that begins after its moment, and by no other', () => {
    const cadence = look(start({ disablePolling: true }), '12:03:00')
    expect(next(cadence, { owed: [at('12:02:59')] })).toBe(at('12:08:00'))
    expect(next(cadence, { owed: [at('12:03:01')], now: '12:03:10' })).toBe(at('12:03:02'))
  })

  test('is asked again after a pause when the attempt failed, not at once', () => {
    const failed = look(look(start({ disablePolling: true }), '12:00:00'), '12:03:00', { complete: false })
    expect(next(failed, { owed: [at('12:02:00')] })).toBe(at('12:03:02'))
    const again = look(look(failed, '12:03:02', { complete: false }), '12:03:06', { complete: false })
    expect(next(again, { owed: [at('12:02:00')] })).toBe(at('12:03:14'))
  })
})

describe('a nudge', () => {
  const cadence = look(start(), '12:00:00')

  test('makes a look at once, and again after 2 s and 8 s', () => {
    const signals = { nudgedAt: at('12:00:10') }
    expect(next(cadence, { signals })).toBe(at('12:00:10'))
    expect(next(look(cadence, '12:00:10'), { signals })).toBe(at('12:00:12'))
    expect(next(look(cadence, '12:00:12'), { signals })).toBe(at('12:00:18'))
    expect(next(look(cadence, '12:00:18'), { signals })).toBe(at('12:00:48'))
  })

  test('is folded with others: at most one look in 2 s', () => {
    expect(next(look(cadence, '12:00:10'), { signals: { nudgedAt: at('12:00:11') } })).toBe(at('12:00:12'))
  })
})

describe('a forge that fails', () => {
  test('is asked again after 2, 4, 8 s, at most 5 min', () => {
    let cadence = start()
    const pauses: number[] = []
    for (let attempt = 0, time = at('12:00:00'); attempt < 10; attempt++) {
      cadence = lookEnded(
        lookBegan(cadence, time),
        { beganAt: time, complete: false, jobsComplete: false, jobsFailed: true, retryAt: null },
        time,
      )
      const then = nextLookAt(cadence, settings, [], quiet, time) as number
      pauses.push((then - time) / 1_000)
      time = then
    }
    expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
  })

  test('is left alone until the time it named', () => {
    const limited = look(start(), '12:00:00', {
      complete: false,
      jobsComplete: false,
      jobsFailed: true,
      retryAt: at('12:15:00'),
    })
    expect(next(limited, { signals: { nudgedAt: at('12:01:00') } })).toBe(at('12:15:00'))
  })

  test('still has its jobs polled on the beat when only its runner list fails', () => {
    let cadence = look(start(), '12:00:00', { complete: false })
    for (const time of ['12:00:02', '12:00:06', '12:00:14', '12:00:30', '12:01:02'])
      cadence = look(cadence, time, { complete: false })
    expect(next(cadence)).toBe(at('12:01:32'))
  })
})

describe('after a lost webhook', () => {
  const webhook = nextMode(look(start(), '12:00:00'), 0, event('12:00:10'), at('12:00:10'))
  const lost = nextMode(webhook, 1, event('12:00:10'), at('12:10:00'))

  test('polling is taken up again', () => {
    expect(lost.mode).toBe('polling')
    expect(next(look(lost, '12:10:00'))).toBe(at('12:10:30'))
  })

  test('webhooks are trusted again after a job event for a new job and a look without loss', () => {
    expect(nextMode(lost, 0, event('12:10:20', 1), at('12:10:20')).mode).toBe('polling')
    const looked = look(lost, '12:10:30')
    expect(nextMode(looked, 0, event('12:10:20', 0), at('12:10:31')).mode).toBe('polling')
    expect(nextMode(looked, 0, event('12:10:20', 1), at('12:10:31')).mode).toBe('webhook')
  })

  test('a look that was under way when the loss was found is not a look without loss', () => {
    expect(nextMode(look(lost, '12:09:59'), 0, event('12:10:20', 1), at('12:10:31')).mode).toBe('polling')
  })

  test('each further loss within an hour doubles the jobs that must be announced, up to 8', () => {
    expect([1, 2, 3, 4, 5].map((count) => eventsNeeded(Array(count).fill(0)))).toEqual([1, 2, 4, 8, 8])
    const twice = look(nextMode(lost, 1, event('12:10:20', 1), at('12:20:00')), '12:20:30')
    expect(nextMode(twice, 0, event('12:21:00', 1), at('12:21:00')).mode).toBe('polling')
    expect(nextMode(twice, 0, event('12:21:00', 2), at('12:21:00')).mode).toBe('webhook')
    const later = look(nextMode(lost, 1, event('12:10:20', 1), at('13:10:01')), '13:10:30')
    expect(nextMode(later, 0, event('13:11:00', 1), at('13:11:00')).mode).toBe('webhook')
  })

  test('webhook_only looks each minute for an hour instead', () => {
    const only = nextMode(look(start({ disablePolling: true }), '12:00:00'), 1, quiet, at('12:10:00'))
    expect(only.mode).toBe('webhook_only')
    expect(next(look(only, '12:10:00'), { now: '12:10:01' })).toBe(at('12:11:00'))
    expect(next(look(only, '13:10:01'), { now: '13:10:02' })).toBe(at('13:15:01'))
    expect(next(look(only, '12:10:00'), { now: '12:10:01', settings: { reconcileInterval: 0 } })).toBe(at('12:11:00'))
  })
})

describe('a forge without a job list', () => {
  test('leaves nothing to poll for: webhooks are all there is', () => {
    const only = fitMode(look(start(), '12:00:00'), settings, false)
    expect(only.mode).toBe('webhook_only')
    expect(next(only)).toBe(at('12:05:00'))
  })

  test('is polled as soon as it has one', () => {
    expect(fitMode(fitMode(start(), settings, false), settings, true).mode).toBe('polling')
  })

  test('changes nothing where polling is off anyway, and nothing while webhooks work', () => {
    const disabled = { ...settings, disablePolling: true }
    expect(fitMode(start(disabled), disabled, true).mode).toBe('webhook_only')
    const working = nextMode(look(start(), '12:00:00'), 0, event('12:00:10'), at('12:00:10'))
    expect(fitMode(working, settings, false).mode).toBe('webhook')
  })
})
