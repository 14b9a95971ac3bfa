import { expect, test } from 'vitest'
import { reconcile } from '../../src/core/reconcile.ts'
import { aJob, aRunner, at } from '../support/builders.ts'
import { nothingSeen, seenRunners, someRules } from '../support/reconciling.ts'
import { someFacts } from '../support/snapshot.ts'

// The list was made before the start and came back after it: the runner counted as idle again, and the next job waited for it.
test('a list from before a start does not give back the idle runner that was spent on it', () => {
  const started = aJob({ id: '5', state: 'running', seenRunningAt: at('12:00:30') })
  const known = someFacts({ jobs: [started], runners: [aRunner({ name: 'r1' })] })
  const spent = reconcile(known, nothingSeen, at('12:00:30'), someRules()).facts
  const states = (beganAt: number) =>
    reconcile(spent, seenRunners(beganAt, [{ name: 'r1' }]), at('12:00:40'), someRules()).facts.runners.map(
      ({ state }) => state,
    )
  expect(states(at('12:00:29'))).toEqual(['busy'])
  expect(states(at('12:00:31'))).toEqual(['idle'])
})
