import { expect, test } from 'vitest'
import { assign } from '../../../src/core/match.ts'
import { github } from '../../../src/forges/github/forge.ts'
import { example, examplesOf, type Payload } from '../../fixtures/github/examples.ts'
import { validateWebhook } from '../../support/github-schemas.ts'
import { signed } from '../contract.ts'
import { aGithub, enterprise, organization, SECRET, type Setup } from './github.ts'

// Examples of `workflow_job`: 0 to 4 in progress or completed, 5 queued, 6 queued but waiting, 7 waiting.

function deliver(event: string, payload: unknown, setup: Setup = { scope: enterprise }, guid = 'a-guid') {
  const headers = { 'x-github-event': event, 'x-github-delivery': guid, 'content-type': 'application/json' }
  return aGithub(setup).read(signed(headers, JSON.stringify(payload), SECRET))
}

/** An example with some of its job replaced: still what GitHub's schema allows. */
function jobEvent(index: number, action: string, job: object): Payload {
  const payload = example('workflow_job', index)
  const changed = { ...payload, action, workflow_job: { ...payload.workflow_job, ...job } }
  expect(validateWebhook('workflow_job', action, changed)).toEqual([])
  return changed
}

async function tell(payload: Payload) {
  const reading = await deliver('workflow_job', payload)
  if (reading.kind !== 'jobs') throw new Error(`read as ${JSON.stringify(reading)}`)
  const [job] = reading.jobs
  return job
}

test.each([
  ['api.github.com', 329, ['queued/queued']],
  ['ghes-33', 50, []],
  ['ghes-35', 125, []],
])('every example of %s is understood, and only a truly queued job is told as queued', async (host, count, queued) => {
  const examples = examplesOf(host)
  const demand: string[] = []
  for (const { event, payload } of examples) {
    const reading = await deliver(event, payload)
    if (event !== 'workflow_job') expect(reading).toMatchObject({ kind: 'ignored', event, reason: expect.any(String) })
    else if (reading.kind === 'jobs') {
      if (reading.jobs.some(({ state }) => state === 'queued')) {
        demand.push(`${payload.action}/${payload.workflow_job.status}`)
      }
    } else throw new Error(`${event} was read as ${JSON.stringify(reading)}`)
  }
  expect(examples).toHaveLength(count)
  expect(demand).toEqual(queued)
})

test.each`
  index | action           | status           | state
  ${0}  | ${'in_progress'} | ${'in_progress'} | ${'running'}
  ${1}  | ${'completed'}   | ${'completed'}   | ${'finished'}
  ${4}  | ${'in_progress'} | ${'in_progress'} | ${'running'}
  ${5}  | ${'queued'}      | ${'queued'}      | ${'queued'}
  ${6}  | ${'queued'}      | ${'waiting'}     | ${'waiting'}
  ${7}  | ${'waiting'}     | ${'waiting'}     | ${'waiting'}
`('the action $action with the status $status is a $state job', async ({ index, action, status, state }) => {
  const payload = example('workflow_job', index)
  expect(payload).toMatchObject({ action, workflow_job: { status } })
  expect(await tell(payload)).toMatchObject({ state })
})

test('a job is told with all that its event says', async () => {
  expect(await tell(example('workflow_job', 4))).toEqual({
    id: '14541957942',
    attempt: null,
    handle: null,
    state: 'running',
    conclusion: null,
    name: 'Do examples need to be regenerated?',
    labels: ['ubuntu-latest'],
    repository: 'wolfy1339/github-events-schemas',
    repositoryId: '445650657',
    runId: '5373506832',
    url: 'https://github.com/wolfy1339/github-events-schemas/actions/runs/5373506832/jobs/9747952373',
    runnerName: 'GitHub Actions 6',
    queuedAt: Date.parse('2023-06-26T03:31:29Z'),
    startedAt: Date.parse('2023-06-26T03:31:36Z'),
    finishedAt: null,
  })
})

test('a queued job has no runner and no start, although its event names both', async () => {
  const payload = example('workflow_job', 5)
  expect(payload.workflow_job).toMatchObject({ runner_id: 5, started_at: expect.any(String) })
  expect(await tell(payload)).toMatchObject({ state: 'queued', runnerName: null, startedAt: null })
})

test('a started job names the runner that took it, which may be one made for another job', async () => {
  const payload = jobEvent(3, 'in_progress', { runner_id: 77, runner_name: 'muster-made-for-another' })
  expect(await tell(payload)).toMatchObject({ state: 'running', runnerName: 'muster-made-for-another' })
})

test('a skipped job is finished without ever having been queued', async () => {
  const payload = jobEvent(2, 'completed', { conclusion: 'skipped', runner_id: null, runner_name: null })
  expect(await tell(payload)).toMatchObject({ state: 'finished', conclusion: 'skipped', runnerName: null })
})

test.each([
  ['cancelled', 0, ''],
  ['cancelled', null, null],
  ['success', null, null],
])('a job that ended %s with the runner id %j had no runner', async (conclusion, runner_id, runner_name) => {
  const payload = jobEvent(2, 'completed', { conclusion, runner_id, runner_name })
  expect(await tell(payload)).toMatchObject({ state: 'finished', conclusion, runnerName: null })
})

test('a re-run tells the finished jobs of the run again, each under a new id of its own', async () => {
  const ids = [71, 72, 73]
  const told = await Promise.all(ids.map((id) => tell(jobEvent(2, 'completed', { id, run_attempt: 2 }))))
  expect(told).toMatchObject(ids.map((id) => ({ id: String(id), attempt: null, state: 'finished' })))
})

test('a job id beyond 32 bits is kept exactly', async () => {
  expect(await tell(jobEvent(5, 'queued', { id: 102_400_000_123 }))).toMatchObject({ id: '102400000123' })
})

test('a job that was redelivered keeps its delivery id, and one that two hooks tell keeps its job id', async () => {
  const payload = example('workflow_job', 5)
  const readings = await Promise.all(
    ['first', 'first', 'second'].map((guid) => deliver('workflow_job', payload, undefined, guid)),
  )
  const job = expect.objectContaining({ id: '289782451' })
  expect(readings).toMatchObject(['first', 'first', 'second'].map((id) => ({ kind: 'jobs', id, jobs: [job] })))
})

test("a job for GitHub's own runners is told like any other, and belongs to them when no target takes it", async () => {
  const job = await tell(example('workflow_job', 5))
  expect(job).toMatchObject({ labels: ['ubuntu-latest'], state: 'queued' })
  expect(assign(job ?? { labels: [], repository: null }, [], github.labels)).toEqual({ hosted: true })
})

test('a ping is ignored', async () => {
  expect(validateWebhook('ping', null, example('ping', 3))).toEqual([])
  const reading = await deliver('ping', example('ping', 3), undefined, '0b989ba4')
  expect(reading).toEqual({ kind: 'ignored', id: '0b989ba4', event: 'ping', secret: 0, reason: 'ping' })
})

test('an action that nobody knows yet is ignored', async () => {
  const payload = { ...example('workflow_job', 5), action: 'paused' }
  expect(await deliver('workflow_job', payload)).toMatchObject({ kind: 'ignored', reason: 'action' })
})

test.each([
  ['CODERTOCAT', 'jobs'],
  ['Coder', 'ignored'],
])('an organization %s has the job of Codertocat/Hello-World %s', async (owner, kind) => {
  const payload = example('workflow_job', 5)
  expect(payload.repository.full_name).toBe('Codertocat/Hello-World')
  expect(await deliver('workflow_job', payload, { scope: { ...organization, owner } })).toMatchObject({ kind })
})

// docs.github.com, "Validating webhook deliveries": the values to test with.
test("GitHub's own test values verify, and one digit less does not", async () => {
  const secret = "It's a Secret to Everybody"
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
  const read = (header: string) =>
    aGithub({ secrets: [secret] }).read({
      headers: { 'x-hub-signature-256': header, 'x-github-event': 'workflow_job' },
      body: new TextEncoder().encode('Hello, World!'),
    })
  // Signed, so it is read; what it says is no JSON.
  expect(await read(signature)).toMatchObject({ kind: 'invalid' })
  expect(await read(signature.replace(/7$/, '6'))).toEqual({ kind: 'unauthorized' })
  expect(await read(signature.slice(0, -1))).toEqual({ kind: 'unauthorized' })
})

test('the old SHA-1 signature alone lets nobody in', async () => {
  const body = new TextEncoder().encode(JSON.stringify(example('workflow_job', 5)))
  const headers = { 'x-hub-signature': `sha1=${'0'.repeat(40)}`, 'x-github-event': 'workflow_job' }
  expect(await aGithub().read({ headers, body })).toEqual({ kind: 'unauthorized' })
})
