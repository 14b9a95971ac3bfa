import { expect, test } from 'vitest'
import { type LookResult, lookBegan, lookEnded, nextLookAt, startCadence } from '../../src/core/cadence.ts'
import { at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

// A job list that was cut off each time counted as one that failed each time: polling slowed down to once in five minutes.

const settings = { disablePolling: false, pollInterval: 30_000, reconcileInterval: 300_000 }
const cutOff = { complete: false, jobsComplete: false, jobsFailed: false, retryAt: null }
const nextAfter = (looks: number, result: Omit<LookResult, 'beganAt'>) => {
  let cadence = startCadence(settings, at('12:00:00'))
  for (let n = 0; n < looks; n++)
    cadence = lookEnded(lookBegan(cadence, at('12:10:00')), { beganAt: at('12:10:00'), ...result }, at('12:10:00'))
  return nextLookAt(cadence, settings, [], someFacts().signals, at('12:10:00'))
}

test('a forge whose job list is cut off each time is looked at with each beat', () => {
  expect(nextAfter(12, cutOff)).toBe(at('12:10:30'))
})

test('a forge that answers with no list is left alone for longer and longer', () => {
  expect(nextAfter(12, { ...cutOff, jobsFailed: true })).toBe(at('12:15:00'))
})
