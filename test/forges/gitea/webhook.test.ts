import { expect, test } from 'vitest'
import push from '../../fixtures/gitea-1.27/push.json' with { type: 'json' }
import caller from '../../fixtures/gitea-1.27/workflow_job.reusable-caller.json' with { type: 'json' }
import { signed } from '../contract.ts'
import { delivery, giteaHeaders, open } from './world.ts'

const forge = () => open({ state: { secrets: ['a webhook secret'] } })
const read = (event: string, body: unknown) => forge().read(signed(giteaHeaders(event), JSON.stringify(body, null, 2)))

test('a delivery of Gitea is known by the id in its headers', async () => {
  expect(await read('workflow_job', delivery())).toMatchObject({
    kind: 'jobs',
    id: giteaHeaders('x')['x-gitea-delivery'],
  })
})

test.each`
  action           | state
  ${'queued'}      | ${'queued'}
  ${'waiting'}     | ${'waiting'}
  ${'in_progress'} | ${'running'}
  ${'completed'}   | ${'finished'}
`('$action at Gitea is $state', async ({ action, state }) => {
  expect(await read('workflow_job', delivery({ action }))).toMatchObject({ jobs: [{ state }] })
})

test('a job that was cancelled in the queue ends without a runner', async () => {
  const body = delivery({ action: 'completed', job: { status: 'completed', runner_name: '' } })
  expect(
    await read('workflow_job', { ...body, workflow_job: { ...body.workflow_job, conclusion: 'cancelled' } }),
  ).toMatchObject({
    jobs: [{ state: 'finished', conclusion: 'cancelled', runnerName: null, startedAt: null }],
  })
})

// The test button of Gitea sends a push, whatever the hook is subscribed to.
test.each(['push', 'workflow_run', 'status', 'package', ''])('%j is ignored', async (event) => {
  expect(await read(event, push)).toMatchObject({ kind: 'ignored', reason: 'event', event })
})

test('a workflow_job without the name of an event is one', async () => {
  expect(await forge().read(signed({}, JSON.stringify(delivery())))).toMatchObject({
    kind: 'jobs',
    event: 'workflow_job',
  })
})

test('the caller of a reusable workflow is a job before the version is known, and none from 1.27', async () => {
  const gitea = forge()
  const body = signed(giteaHeaders('workflow_job'), JSON.stringify(caller))
  expect(await gitea.read(body)).toMatchObject({ kind: 'jobs', jobs: [{ labels: [] }] })
  await gitea.probe(new AbortController().signal)
  expect(await gitea.read(body)).toMatchObject({ kind: 'ignored', reason: 'unlabelled' })
})
