import { expect, test } from 'vitest'
import type { JobState } from '../../src/core/job.ts'
import { jobEvent } from '../../src/core/trail.ts'
import { aJob, at } from '../support/builders.ts'

const now = at('12:00:30')
const known = (state: JobState | null) => (state ? aJob({ id: '5', state }) : null)

test.each`
  before       | after         | told
  ${null}      | ${'queued'}   | ${'job_queued'}
  ${'waiting'} | ${'queued'}   | ${'job_queued'}
  ${'queued'}  | ${'running'}  | ${'job_running'}
  ${'running'} | ${'finished'} | ${'job_finished'}
  ${null}      | ${'waiting'}  | ${'job_waiting'}
  ${'queued'}  | ${'queued'}   | ${null}
`('a job that goes from $before to $after leaves $told', ({ before, after, told }) => {
  expect(jobEvent(known(before), aJob({ id: '5', state: after }), now)?.type ?? null).toBe(told)
})

test('the end of a job tells how it ended', () => {
  const event = jobEvent(known('running'), aJob({ id: '5', state: 'finished', conclusion: 'failure' }), now)
  expect(event).toMatchObject({ at: now, job: { id: '5', round: 1 }, detail: { conclusion: 'failure' } })
})
