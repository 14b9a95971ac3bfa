import { expect, test } from 'vitest'
import type { Scope } from '../../../src/core/scope.ts'
import runSuccess from '../../fixtures/forgejo-15/action_run_success.json' with { type: 'json' }
import push from '../../fixtures/forgejo-15/push.json' with { type: 'json' }
import workflowJob from '../../fixtures/gitea-1.27/workflow_job.queued.json' with { type: 'json' }
import { signed } from '../contract.ts'
import { aJob, forgejoHeaders, jobEvent, open } from './world.ts'

const forge = (scope?: Scope) => open({ ...(scope && { scope }), state: { secrets: ['a webhook secret'] } })
const read = (event: string, body: unknown, scope?: Scope) =>
  forge(scope).read(signed(forgejoHeaders(event), JSON.stringify(body, null, 2)))

test.each`
  event                       | status         | state         | conclusion
  ${'workflow_job_blocked'}   | ${'blocked'}   | ${'waiting'}  | ${null}
  ${'workflow_job_waiting'}   | ${'waiting'}   | ${'queued'}   | ${null}
  ${'workflow_job_waiting'}   | ${'blocked'}   | ${'waiting'}  | ${null}
  ${'workflow_job_waiting'}   | ${'running'}   | ${'running'}  | ${null}
  ${'workflow_job_waiting'}   | ${'cancelled'} | ${'finished'} | ${'cancelled'}
  ${'workflow_job_waiting'}   | ${'new word'}  | ${'queued'}   | ${null}
  ${'workflow_job_running'}   | ${'running'}   | ${'running'}  | ${null}
  ${'workflow_job_success'}   | ${'success'}   | ${'finished'} | ${'success'}
  ${'workflow_job_failure'}   | ${'failure'}   | ${'finished'} | ${'failure'}
  ${'workflow_job_cancelled'} | ${'cancelled'} | ${'finished'} | ${'cancelled'}
  ${'workflow_job_skipped'}   | ${'skipped'}   | ${'finished'} | ${'skipped'}
`('$event of a job that is $status tells a $state job', async ({ event, status, state, conclusion }) => {
  expect(await read(event, jobEvent({ job: { status } }))).toMatchObject({
    kind: 'jobs',
    event,
    jobs: [{ state, conclusion }],
  })
})

test('a job event tells the attempt, its handle and where it belongs', async () => {
  expect(await read('workflow_job_waiting', jobEvent())).toEqual({
    kind: 'jobs',
    id: forgejoHeaders('x')['x-forgejo-delivery'],
    event: 'workflow_job_waiting',
    secret: 0,
    jobs: [
      {
        id: '41',
        attempt: 1,
        handle: aJob().handle,
        state: 'queued',
        conclusion: null,
        name: 'build',
        labels: ['linux'],
        repository: 'acme/widgets',
        repositoryId: '7',
        runId: '33',
        url: 'https://forgejo.example/acme/widgets/actions/runs/12',
        runnerName: null,
        queuedAt: null,
        startedAt: null,
        finishedAt: null,
      },
    ],
  })
})

test('a job event without its run, its attempt and its handle is one as well', async () => {
  const { run: _run, ...body } = jobEvent()
  const { attempt: _attempt, handle: _handle, run_id: _id, ...job } = body.job
  expect(await read('workflow_job_waiting', { ...body, job })).toMatchObject({
    jobs: [{ attempt: null, handle: null, runId: null, url: null }],
  })
})

test.each([[null], [[]]])('the outer job of a called workflow, with the labels %j, is ignored', async (runs_on) => {
  expect(await read('workflow_job_waiting', jobEvent({ job: { runs_on } }))).toMatchObject({
    kind: 'ignored',
    reason: 'unlabelled',
  })
})

test.each([
  { job: null },
  { job: { ...aJob(), runs_on: [1] } },
  { job: { ...aJob(), runs_on: 'linux' } },
  { job: { ...aJob(), id: 2 ** 53 } },
  { repository: null },
])('a job event with %j is invalid', async (over) => {
  expect(await read('workflow_job_waiting', { ...jobEvent(), ...over })).toMatchObject({ kind: 'invalid' })
})

test('the workflow_job event of GitHub and Gitea is read, too, and never as a nudge', async () => {
  expect(await read('workflow_job', workflowJob)).toMatchObject({ kind: 'jobs', jobs: [{ id: '41', state: 'queued' }] })
  expect(await forge().read(signed({}, JSON.stringify(workflowJob)))).toMatchObject({ event: 'workflow_job' })
  expect(await read('workflow_job', { ...workflowJob, action: 'later' })).toMatchObject({ kind: 'ignored' })
})

test.each([
  ['push', push],
  ['pull_request', push],
  ['action_run_success', runSuccess],
  ['action_run_recover', runSuccess],
  ['workflow_job_dreaming', jobEvent()],
  ['package', {}],
  ['', {}],
])('%j is a nudge', async (event, body) => {
  expect(await read(event, body)).toEqual({
    kind: 'nudge',
    id: forgejoHeaders('x')['x-forgejo-delivery'],
    event,
    secret: 0,
  })
})

test('a job event of another owner is ignored at the levels of an organization and a user', async () => {
  for (const level of ['organization', 'user'] as const) {
    const scope: Scope = { level, owner: 'ACME', name: null }
    expect(await read('workflow_job_waiting', jobEvent(), scope)).toMatchObject({ kind: 'jobs' })
    expect(await read('workflow_job_waiting', jobEvent({ repository: 'other/widgets' }), scope)).toMatchObject({
      kind: 'ignored',
      reason: 'scope',
    })
  }
})

test('a job event of any repository is read at instance level', async () => {
  const scope: Scope = { level: 'instance', owner: null, name: null }
  expect(await read('workflow_job_waiting', jobEvent({ repository: 'any/body' }), scope)).toMatchObject({
    jobs: [{ repository: 'any/body' }],
  })
})
