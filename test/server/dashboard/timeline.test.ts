import { expect, test } from 'vitest'
import type { StoredEvent } from '../../../src/core/event.ts'
import { barsOf } from '../../../src/server/dashboard/timeline.ts'
import { aJob, anEvent, at } from '../../support/builders.ts'

const trail = (...events: [StoredEvent['type'], string, Partial<StoredEvent>?][]): StoredEvent[] =>
  events.map(([type, time, over], index) => ({ ...anEvent({ type, at: at(time), ...over }), id: `${index}` }))

const stretches = (...given: Parameters<typeof barsOf>) =>
  barsOf(...given).map(({ kind, from, to, open }) => [
    kind,
    (from - at('12:00:00')) / 1_000,
    (to - at('12:00:00')) / 1_000,
    open,
  ])

const first = { dispatch: 'd-1' }
const second = { dispatch: 'd-2' }

test('a job that was served was queued, its runner booted, and it ran', () => {
  const events = trail(
    ['job_queued', '12:00:00'],
    ['dispatch_intended', '12:00:01', first],
    ['dispatch_sent', '12:00:01', first],
    ['runner_tied', '12:00:05', first],
    ['job_running', '12:00:06'],
    ['job_finished', '12:01:00'],
  )
  expect(stretches(aJob({ state: 'finished' }), events, at('13:00:00'))).toEqual([
    ['queue', 0, 6, false],
    ['boot', 1, 5, false],
    ['run', 6, 60, false],
  ])
})

test('what goes on reaches until now, and a start that was refused is told apart', () => {
  const events = trail(
    ['job_waiting', '12:00:00'],
    ['job_queued', '12:00:10'],
    ['dispatch_intended', '12:00:10', first],
    ['dispatch_refused', '12:00:11', first],
    ['dispatch_intended', '12:00:12', second],
  )
  expect(stretches(aJob(), events, at('12:00:30'))).toEqual([
    ['waiting', 0, 10, false],
    ['queue', 10, 30, true],
    ['refused', 10, 11, false],
    ['boot', 12, 30, true],
  ])
})

test('a job whose events were forgotten is drawn from what is known of it', () => {
  const job = aJob({ state: 'running', seenQueuedAt: at('12:00:00'), seenRunningAt: at('12:00:20') })
  expect(stretches(job, [], at('12:00:50'))).toEqual([
    ['queue', 0, 20, false],
    ['run', 20, 50, true],
  ])
})
