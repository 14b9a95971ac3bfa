import { expect, test } from 'vitest'
import { lookBegan, nextLookAt, setBack, startCadence } from '../../src/core/cadence.ts'
import { at } from '../support/builders.ts'

const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
const quiet = { nudgedAt: null, jobEventAt: null, announcedSince: 0, finishedAt: new Map() }

test('the next look comes after its beat, also when the clock of the wall was set back by a day', () => {
  const cadence = lookBegan(startCadence(settings, at('12:00:00')), at('12:00:10'))
  const dayBefore = at('12:00:20') - 24 * 60 * 60_000
  const next = nextLookAt(setBack(cadence, dayBefore), settings, [], quiet, dayBefore)
  expect(next).toBe(dayBefore + 30_000)
})

test('what a forge asked to wait for is no farther away than it was', () => {
  const cadence = { ...lookBegan(startCadence(settings, at('12:00:00')), at('12:00:00')), closedUntil: at('12:10:00') }
  const hourBefore = at('11:00:00')
  expect(setBack(cadence, hourBefore).closedUntil).toBe(at('11:10:00'))
  expect(setBack(cadence, at('12:00:05'))).toBe(cadence)
})
