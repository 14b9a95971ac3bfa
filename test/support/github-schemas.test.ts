import { expect, test } from 'vitest'
import { example } from '../fixtures/github/examples.ts'
import { validateWebhook } from './github-schemas.ts'

test.each([1, 2, 3, 4, 5, 6, 7])('the published example %i of workflow_job fits its published schema', (index) => {
  const payload = example('workflow_job', index)
  expect(validateWebhook('workflow_job', payload.action, payload)).toEqual([])
})

test('a payload that lacks what GitHub always sends is told with its place', () => {
  const { workflow_job, ...payload } = example('workflow_job', 5)
  const { labels, ...job } = workflow_job
  expect(labels).toBeDefined()
  expect(validateWebhook('workflow_job', 'queued', { ...payload, workflow_job: job })).toEqual([
    expect.stringContaining('/workflow_job must have required property'),
  ])
})

test('an event that GitHub does not have is an error', () => {
  expect(() => validateWebhook('workflow_job', 'paused', {})).toThrow('webhook-workflow-job-paused')
})
