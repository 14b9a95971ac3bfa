import { expect, test } from 'vitest'
import { samplesOf } from '../src/history.ts'
import type { Overview } from '../src/store/store.ts'
import { anInstance } from './server/admin-world.ts'
import { aTarget, at } from './support/builders.ts'

const instances = [anInstance({ targets: [aTarget({ name: 'linux', max: 4 }), aTarget({ name: 'windows', max: 2 })] })]
const nothing: Overview = { jobs: [], runners: [], deliveries: new Map(), paused: new Map(), breakers: [] }

test('of a moment without anything only the sum is kept', () => {
  const sum = { at: at('12:00:00'), instance: '', target: '', queued: 0, booting: 0, idle: 0, busy: 0, max: 6 }
  expect(samplesOf(nothing, instances, at('12:00:00'))).toEqual([sum])
})

test('jobs that no target takes, and runners that nobody sees, are in no target', () => {
  const of = { instance: 'main', oldestAt: at('12:00:00') }
  const runner = { instance: 'main', target: 'linux', dispatcher: 'default' }
  const samples = samplesOf(
    {
      ...nothing,
      jobs: [
        { ...of, target: 'linux', state: 'queued', unassigned: null, jobs: 3 },
        { ...of, target: 'linux', state: 'running', unassigned: null, jobs: 9 },
        { ...of, target: null, state: 'queued', unassigned: 'unmatched', jobs: 2 },
      ],
      runners: [
        { ...runner, state: 'busy', runners: 2 },
        { ...runner, state: 'unseen', runners: 1 },
      ],
    },
    instances,
    at('12:00:00'),
  )
  expect(samples).toMatchObject([
    { instance: '', target: '', queued: 5, busy: 2, max: 6 },
    { instance: 'main', target: 'linux', queued: 3, busy: 2, max: 4 },
  ])
  expect(samples).toHaveLength(2)
})
