import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isPending } from '../../src/core/dispatch.ts'
import { jobKey } from '../../src/core/job.ts'
import { plan } from '../../src/core/plan.ts'
import { aDispatch, aJob, aRunner, aTarget, at } from '../support/builders.ts'
import { aSnapshot } from '../support/snapshot.ts'

const now = at('12:00:10')
const seconds = (from: number, to: number) => fc.integer({ min: from, max: to }).map((s) => now - s * 1_000)

const worlds = fc.record({
  max: fc.integer({ min: 0, max: 8 }),
  minIdle: fc.integer({ min: 0, max: 4 }),
  jobs: fc.array(
    fc.record({
      state: fc.constantFrom('queued' as const, 'running' as const, 'waiting' as const),
      since: seconds(0, 20),
    }),
    {
      maxLength: 10,
    },
  ),
  runners: fc.array(fc.constantFrom('idle' as const, 'busy' as const, 'offline' as const), { maxLength: 6 }),
  dispatches: fc.array(fc.record({ since: seconds(0, 900), tied: fc.boolean() }), { maxLength: 6 }),
})

const build = (world: typeof worlds extends fc.Arbitrary<infer W> ? W : never) =>
  aSnapshot({
    now,
    targets: [aTarget({ max: world.max, minIdle: Math.min(world.minIdle, world.max) })],
    jobs: world.jobs.map(({ state, since }) => aJob({ state, firstSeenAt: since })),
    runners: world.runners.map((state) => aRunner({ state, firstSeenAt: now - 5_000 })),
    dispatches: world.dispatches.map(({ since, tied }) =>
      aDispatch({ intendedAt: since, runner: tied ? 'some runner' : null }),
    ),
    // Looks of runners succeed, so that a dispatch for min_idle is believed no longer than one for a job.
    runnersSeenAt: now,
  })

test('what is wanted is queued + min_idle − idle − pending, never more than max − live', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const snapshot = build(world)
      const { jobs, runners, dispatches } = snapshot.facts
      const queued = jobs.filter(({ state }) => state === 'queued').length
      const supply =
        runners.filter(({ state }) => state === 'idle').length + dispatches.filter((d) => isPending(d, now)).length
      const floor = Math.min(world.minIdle, world.max)
      const room = Math.max(0, world.max - dispatches.length)
      expect(plan(snapshot).wanted).toHaveLength(Math.min(Math.max(0, queued + floor - supply), room))
    }),
  )
})

test('every open job has a verdict, and only jobs that are dispatched say so', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const snapshot = build(world)
      const { wanted, verdicts } = plan(snapshot)
      expect([...verdicts.keys()].sort()).toEqual(snapshot.facts.jobs.map(jobKey).sort())
      const asked = wanted.flatMap(({ job }) => (job ? [jobKey(job)] : [])).sort()
      const dispatching = [...verdicts].filter(([, { kind }]) => kind === 'dispatching').map(([key]) => key)
      expect(asked).toEqual(dispatching.sort())
    }),
  )
})

test('the order in which facts are listed changes nothing', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const snapshot = build(world)
      const { facts } = snapshot
      const turned = { ...facts, runners: facts.runners.toReversed(), dispatches: facts.dispatches.toReversed() }
      expect(plan({ ...snapshot, facts: turned }).wanted).toHaveLength(plan(snapshot).wanted.length)
    }),
  )
})
