import { describe, expect, test } from 'vitest'
import type { Scope } from '../../src/core/scope.ts'
import { inScope, readWorkflowJob } from '../../src/forges/workflow-job.ts'
import completed from '../fixtures/gitea-1.27/workflow_job.completed.json' with { type: 'json' }
import inProgress from '../fixtures/gitea-1.27/workflow_job.in_progress.json' with { type: 'json' }
import queued from '../fixtures/gitea-1.27/workflow_job.queued.json' with { type: 'json' }

const everywhere: Scope = { level: 'instance', owner: null, name: null }
const read = (action: string, job: object = {}, body: object = {}) =>
  readWorkflowJob({ ...queued, action, workflow_job: { ...queued.workflow_job, ...job }, ...body }, everywhere)

describe('a workflow_job event', () => {
  test('of a queued job tells all that Gitea knows of it', () => {
    expect(readWorkflowJob(queued, everywhere)).toEqual({
      kind: 'job',
      job: {
        id: '41',
        attempt: null,
        handle: null,
        state: 'queued',
        conclusion: null,
        name: 'build',
        labels: ['linux'],
        repository: 'acme/widgets',
        repositoryId: '7',
        runId: '33',
        url: 'https://gitea.example/acme/widgets/actions/runs/12/jobs/0',
        runnerName: null,
        queuedAt: Date.parse('2026-03-02T12:00:00Z'),
        startedAt: null,
        finishedAt: null,
      },
    })
  })

  test('of a job that started names its runner and the moment', () => {
    expect(readWorkflowJob(inProgress, everywhere)).toMatchObject({
      job: {
        state: 'running',
        runnerName: 'muster-0a1b2c3d4e5f6g7h',
        startedAt: Date.parse('2026-03-02T12:00:20Z'),
        finishedAt: null,
      },
    })
  })

  test('of a job that ended says how', () => {
    expect(readWorkflowJob(completed, everywhere)).toMatchObject({
      job: { state: 'finished', conclusion: 'success', finishedAt: Date.parse('2026-03-02T12:01:20Z') },
    })
  })

  test.each`
    action           | status           | state
    ${'queued'}      | ${'queued'}      | ${'queued'}
    ${'queued'}      | ${'waiting'}     | ${'waiting'}
    ${'queued'}      | ${'in_progress'} | ${'running'}
    ${'queued'}      | ${'completed'}   | ${'finished'}
    ${'queued'}      | ${undefined}     | ${'queued'}
    ${'queued'}      | ${'new word'}    | ${'queued'}
    ${'waiting'}     | ${'waiting'}     | ${'waiting'}
    ${'waiting'}     | ${'queued'}      | ${'waiting'}
    ${'in_progress'} | ${'in_progress'} | ${'running'}
    ${'in_progress'} | ${'queued'}      | ${'running'}
    ${'completed'}   | ${'completed'}   | ${'finished'}
    ${'completed'}   | ${'in_progress'} | ${'finished'}
  `('with the action $action and the status $status is of a $state job', ({ action, status, state }) => {
    expect(read(action, { status })).toMatchObject({ kind: 'job', job: { state } })
  })

  test('with an action that nobody knows is ignored', () => {
    expect(read('cancelling', { status: 'queued' })).toEqual({ kind: 'ignored', reason: 'action' })
  })

  // GitHub's own example of a queued job has a runner, and its queued events have a start.
  test('of a queued job names no runner and no start, whatever it carries', () => {
    expect(read('queued', { runner_name: 'r', started_at: '2026-03-02T12:00:00Z' })).toMatchObject({
      job: { runnerName: null, startedAt: null },
    })
  })

  test.each([
    [null, []],
    [undefined, []],
    [[], []],
    [
      ['a', 'B'],
      ['a', 'B'],
    ],
  ])('with the labels %j asks for %j', (labels, asked) => {
    expect(read('queued', { labels })).toMatchObject({ job: { labels: asked } })
  })

  test.each([
    [{ labels: [1] }],
    [{ labels: 'linux' }],
    [{ labels: { 0: 'linux' } }],
    [{ labels: [null] }],
    [{ id: '41' }],
    [{ id: 2 ** 53 }],
    [{ id: 0 }],
    [{ id: 1.5 }],
    [{ id: null }],
    [{ runner_name: 7 }],
    [{ status: 7 }],
  ])('with %j in its job is invalid', (job) => {
    expect(read('queued', job)).toMatchObject({ kind: 'invalid', problem: expect.stringContaining('workflow_job.') })
  })

  test.each([
    [{ repository: null }],
    [{ repository: { full_name: 'widgets' } }],
    [{ repository: { full_name: 'a/b/c' } }],
    [{ action: 1 }],
    [{ workflow_job: null }],
  ])('with %j is invalid', (body) => {
    expect(read('queued', {}, body)).toMatchObject({ kind: 'invalid' })
  })

  // GitHub's schema lets the items of a completed job's labels be null.
  test('of a job that ended may have a label that is null', () => {
    expect(read('completed', { status: 'completed', labels: ['linux', null] })).toMatchObject({
      job: { state: 'finished', labels: ['linux'] },
    })
  })

  test.each(['javascript:alert(1)', 'data:text/html,x', ''])('never makes a link of %j', (html_url) => {
    expect(read('queued', { html_url })).toMatchObject({ job: { url: null } })
  })

  test('names what is wrong and not the value', () => {
    const reading = read('queued', { labels: ['linux', 12345] })
    expect(reading).toMatchObject({ problem: expect.stringContaining('workflow_job.labels.1') })
    expect(JSON.stringify(reading)).not.toContain('12345')
  })
})

test.each`
  repository        | scope                                                      | inside
  ${'acme/widgets'} | ${{ level: 'repository', owner: 'Acme', name: 'WIDGETS' }} | ${true}
  ${'acme/gadgets'} | ${{ level: 'repository', owner: 'acme', name: 'widgets' }} | ${false}
  ${'evil/widgets'} | ${{ level: 'repository', owner: 'acme', name: 'widgets' }} | ${false}
  ${'ACME/gadgets'} | ${{ level: 'organization', owner: 'acme', name: null }}    | ${true}
  ${'acme2/x'}      | ${{ level: 'organization', owner: 'acme', name: null }}    | ${false}
  ${'other/x'}      | ${{ level: 'user', owner: 'acme', name: null }}            | ${false}
  ${'acme/x'}       | ${{ level: 'user', owner: 'acme', name: null }}            | ${true}
  ${'any/x'}        | ${{ level: 'instance', owner: null, name: null }}          | ${true}
  ${'any/x'}        | ${{ level: 'enterprise', owner: 'acme', name: null }}      | ${true}
`('$repository in the scope $scope.level $scope.owner: $inside', ({ repository, scope, inside }) => {
  expect(inScope(repository, scope)).toBe(inside)
})
