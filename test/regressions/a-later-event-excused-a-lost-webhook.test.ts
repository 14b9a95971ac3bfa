import { expect, test } from 'vitest'
import { firstJobEvent, nextMode, startCadence } from '../../src/core/cadence.ts'
import { at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

// What is recorded is the last job event. Taken for the first, each new event excused whatever had been lost before it.
test('the first job event of a process stays the first, however many follow', () => {
  const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
  const { signals } = someFacts()
  const event = (time: string) => ({ ...signals, jobEventAt: at(time) })
  let cadence = startCadence(settings, at('12:00:00'))
  for (const time of ['12:00:10', '12:01:00', '12:02:00']) cadence = nextMode(cadence, 0, event(time), at(time))
  expect(firstJobEvent(cadence, event('12:03:00'))).toBe(at('12:00:10'))
})
