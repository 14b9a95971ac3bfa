import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// Sent at 12:00:00 with a ttl of 20 min: a look that begins after 12:21:00 settles it.
const tied = aDispatch({ id: 'd1', runner: 'r1', tiedBy: 'inference', named: false })
const goneOf = (known: Parameters<typeof someFacts>[0], ...[beganAt, list]: Parameters<typeof seenRunners>) =>
  reconcile(someFacts(known), seenRunners(beganAt, list), beganAt + 1_000, someRules()).changes.dispatches.map(
    ({ goneReason }) => goneReason,
  )

test('of a runner whose registration stays behind offline, the slot is freed after its ttl', () => {
  const known = { dispatches: [tied], runners: [aRunner({ name: 'r1', dispatch: 'd1' })] }
  expect(goneOf(known, at('12:21:00'), [{ state: 'offline' }])).toEqual([])
  expect(goneOf(known, at('12:21:01'), [{ state: 'offline' }])).toEqual(['never_seen'])
})

// The webhook that told the end was lost, and the forge lists no jobs: the job counted as running, and its runner as there, for ever.
test('of a runner that no list shows any more, the slot is freed after its ttl, whatever its job is thought to do', () => {
  const job = aJob({ id: '5', state: 'running', runnerName: 'r1', startSpent: true })
  const known = {
    jobs: [job],
    dispatches: [{ ...tied, ran: { id: '5', round: 1 } }],
    runners: [aRunner({ name: 'r1', dispatch: 'd1', state: 'busy' })],
  }
  expect(goneOf(known, at('12:20:59'), [])).toEqual([])
  expect(goneOf(known, at('12:21:01'), [])).toEqual(['never_seen'])
})

test('of a start that may still come, the slot is held until boot_timeout, though its cover was ended before', () => {
  const unknown = aDispatch({ state: 'unknown', coverEndedAt: at('12:00:10') })
  expect(goneOf({ dispatches: [unknown] }, at('12:00:30'), [])).toEqual([])
  expect(goneOf({ dispatches: [unknown] }, at('12:05:01'), [])).toEqual(['never_seen'])
})
