import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldDelivery } from '../../src/core/intake.ts'
import type { Job, JobState } from '../../src/core/job.ts'
import { aDeliveredJob, aJob, at } from '../support/builders.ts'

const moment = { instance: 'main', id: 'delivery-1', at: at('12:00:30'), via: 'http' as const }
const told = (state: JobState, over = {}) => aDeliveredJob({ id: '5', state, ...over })

describe('a delivery', () => {
  test.each`
    known         | told          | kept
    ${'waiting'}  | ${'queued'}   | ${'queued'}
    ${'queued'}   | ${'waiting'}  | ${'queued'}
    ${'queued'}   | ${'running'}  | ${'running'}
    ${'running'}  | ${'queued'}   | ${'running'}
    ${'queued'}   | ${'finished'} | ${'finished'}
    ${'finished'} | ${'running'}  | ${'finished'}
    ${'finished'} | ${'waiting'}  | ${'finished'}
  `('known as $known, then told as $told, a job is $kept', ({ known, told: state, kept }) => {
    expect(foldDelivery(aJob({ id: '5', state: known }), told(state), moment)?.state).toBe(kept)
  })

  test('makes an unknown job known, announced, with its target', () => {
    expect(foldDelivery(null, told('queued'), moment)).toMatchObject({
      id: '5',
      round: 1,
      state: 'queued',
      target: 'linux',
      announcedAt: moment.at,
      seenQueuedAt: moment.at,
    })
  })

  test('read back from the forge does not announce', () => {
    expect(foldDelivery(null, told('queued'), { ...moment, via: 'recovered' })).toMatchObject({
      announcedAt: null,
      deliveredAt: moment.at,
    })
  })

  test('that calls a finished round queued again is kept for a look to judge', () => {
    const folded = foldDelivery(aJob({ id: '5', state: 'finished' }), told('queued'), moment)
    expect(folded).toMatchObject({ round: 1, state: 'finished', requeuedAt: moment.at })
  })

  test('of a new attempt opens its round at once, one of an older attempt changes nothing', () => {
    const known = aJob({ id: '5', state: 'finished', attempt: 2, handle: 'h2', round: 2 })
    expect(foldDelivery(known, told('queued', { attempt: 3, handle: 'h3' }), moment)).toMatchObject({
      round: 3,
      state: 'queued',
    })
    expect(foldDelivery(known, told('queued', { attempt: 1, handle: 'h1' }), moment)).toBeNull()
  })

  test('names a runner only by a start: a queued event that carries one proves nothing', () => {
    expect(foldDelivery(aJob({ id: '5' }), told('queued', { runnerName: 'r5' }), moment)?.runnerName).toBeNull()
    expect(foldDelivery(aJob({ id: '5' }), told('running', { runnerName: 'r5' }), moment)?.runnerName).toBe('r5')
  })
})

/** A list, and the same list in another order. */
const shuffledTwice = <T>(list: fc.Arbitrary<T[]>) =>
  list.chain((items) => fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length })))

test('in whatever order and however often the events of a round come, it ends in the same state', () => {
  const events = fc.constantFrom<JobState>('waiting', 'queued', 'running', 'finished')
  const deliver = (states: readonly JobState[]) =>
    states.reduce<Job | null>(
      (job, state, index) => foldDelivery(job, told(state), { ...moment, at: moment.at + index }),
      null,
    )
  fc.assert(
    fc.property(shuffledTwice(fc.array(events, { minLength: 1, maxLength: 8 })), ([states, shuffled]) => {
      const rank = ['waiting', 'queued', 'running', 'finished']
      const furthest = rank[Math.max(...states.map((state) => rank.indexOf(state)))]
      expect(deliver(shuffled)?.state).toBe(furthest)
      expect(deliver([...shuffled, ...states])?.state).toBe(furthest)
    }),
  )
})
