import { expect, test } from 'vitest'
import { Draft } from '../../src/core/draft.ts'
import type { JobState } from '../../src/core/job.ts'
import type { Runner } from '../../src/core/runner.ts'
import { jobEvent, runnerEvent } from '../../src/core/trail.ts'
import { aDispatch, aJob, aRunner, at } from '../support/builders.ts'
import { someFacts } from '../support/snapshot.ts'

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

test.each`
  before    | after        | told
  ${null}   | ${'idle'}    | ${'runner_registered'}
  ${null}   | ${'busy'}    | ${'runner_registered'}
  ${'idle'} | ${'busy'}    | ${'runner_busy'}
  ${'busy'} | ${'idle'}    | ${'runner_idle'}
  ${'idle'} | ${'offline'} | ${'runner_offline'}
  ${'busy'} | ${'gone'}    | ${'runner_gone'}
  ${'idle'} | ${'idle'}    | ${null}
`('a runner that goes from $before to $after leaves $told', ({ before, after, told }) => {
  const runner = (state: Runner['state']) => aRunner({ name: 'r', state })
  expect(runnerEvent(before && runner(before), runner(after), null, now)?.type ?? null).toBe(told)
})

test('a runner is told in the trail of the job that it took, or else of the one that it was for', () => {
  const runner = aRunner({ name: 'r', state: 'busy', dispatch: 'd' })
  const asked = { id: '5', round: 1 }
  const dispatch = aDispatch({ id: 'd', job: asked })
  const about = { instance: 'main', target: 'linux', dispatch: 'd', runner: 'r' }
  expect(runnerEvent(null, runner, dispatch, now)).toMatchObject({ ...about, job: asked, detail: { state: 'busy' } })
  const ran = { id: '6', round: 2 }
  expect(runnerEvent(null, runner, { ...dispatch, ran }, now)).toMatchObject({ ...about, job: ran })
})

test('what a turn found is told once, as it stands in the end, a new runner before what became of it', () => {
  const draft = new Draft('main', someFacts({ runners: [aRunner({ name: 'old', state: 'busy' })] }), now)
  const old = draft.runner('old')!
  draft.setRunner({ ...old, state: 'idle' })
  draft.setRunner(aRunner({ name: 'new', state: 'idle' }))
  draft.tell('runner_tied', { runner: 'new' })
  draft.setRunner({ ...old, state: 'busy' })
  draft.setRunner({ ...draft.runner('new')!, state: 'busy' })
  expect(draft.changes().events.map(({ type, runner, detail }) => [type, runner, detail.state])).toEqual([
    ['runner_registered', 'new', 'busy'],
    ['runner_tied', 'new', undefined],
  ])
})
