/**
 * A stand-in for a forge's runner: it joins a simulated forge over HTTP, takes one job, sleeps as long as the job lasts, reports, and exits 0.
 * It waits for a job for ever; SIGTERM ends it at once. It imports almost nothing, so that it starts fast.
 *
 * Environment: MUSTER_RUNNER_NAME, MUSTER_RUNNER_LABELS (comma), MUSTER_FORGE_URL, MUSTER_CREDENTIAL_FILE (a `Credential` as JSON),
 * for GitHub ACTIONS_RUNNER_INPUT_JITCONFIG, and MUSTER_RUNNER_INTERVAL (milliseconds between questions, default 200).
 */
import { readFileSync } from 'node:fs'
import type { Credential } from '../core/credential.ts'

interface Task {
  id: string | number
  seconds: number
  fails: boolean
}

/** How a runner talks to its kind of forge. */
interface Line {
  /** One task, or null when there is none yet. */
  fetch(): Promise<Task | null>
  /** Tells how a task stands; answers false when the forge wants it no more. */
  report(task: Task, result: 'working' | 'success' | 'failure'): Promise<boolean>
}

/** The forge does not know this runner (any more). */
class NoLongerKnown extends Error {}

const { env } = process
const interval = Number(env.MUSTER_RUNNER_INTERVAL) || 200
const heartbeat = 1_000

async function post(url: string, headers: Record<string, string>, body: unknown): Promise<Record<string, unknown>> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const told: unknown = await answer.json().catch(() => null)
  if (answer.status === 401) throw new NoLongerKnown(`the forge answered 401 to ${new URL(url).pathname}`)
  if (!answer.ok) throw new Error(`the forge answered ${answer.status} to ${new URL(url).pathname}`)
  return record(told)
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function decoded(base64: unknown): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(String(base64), 'base64').toString('utf8'))
  return record(value)
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Only bare names are told to a forge: `name:docker://image` offers `name`. */
function bareLabels(): string[] {
  const labels = (env.MUSTER_RUNNER_LABELS ?? '').split(',').filter(Boolean)
  return labels.map((label) => label.replace(/:(?:host$|docker.*$|lxc.*$)/, ''))
}

function toGithub(config: string): Line {
  const files = decoded(config)
  const url = String(decoded(files['.runner']).ServerUrl)
  const { ClientId, Token } = record(decoded(files['.credentials']).Data)
  const headers = { authorization: `Bearer ${ClientId}.${Token}` }
  return {
    async fetch() {
      const { job } = await post(`${url}/_runner/fetch`, headers, {})
      const { task, seconds, fails } = record(job)
      return job ? { id: Number(task), seconds: Number(seconds), fails: fails === true } : null
    },
    async report(task, result) {
      const answer = await post(`${url}/_runner/report`, headers, { task: task.id, result })
      return answer.result === 'working'
    },
  }
}

async function toForgejoOrGitea(credential: Exclude<Credential, { kind: 'jit' }>): Promise<Line> {
  const url = (env.MUSTER_FORGE_URL ?? credential.url).replace(/\/+$/, '')
  const service = `${url}/api/actions/runner.v1.RunnerService`
  const handle = credential.kind === 'forgejo' ? credential.handle : null
  const { uuid, token } =
    credential.kind === 'registration-token' ? await registered(service, credential.token) : credential
  const headers = { 'x-runner-uuid': uuid, 'x-runner-token': token }
  await post(`${service}/Declare`, headers, { version: 'v12.8.2', labels: bareLabels() })
  let tasksVersion = '0'
  return {
    async fetch() {
      const call = handle === null ? 'FetchTask' : 'FetchSingleTask'
      const answer = await post(`${service}/${call}`, headers, { tasksVersion, ...(handle !== null && { handle }) })
      tasksVersion = String(answer.tasksVersion)
      return answer.task ? taskOf(record(answer.task)) : null
    },
    async report(task, result) {
      const told = result === 'working' ? 'UNSPECIFIED' : result.toUpperCase()
      const answer = await post(`${service}/UpdateTask`, headers, { state: { id: task.id, result: `RESULT_${told}` } })
      return record(answer.state).result === 'RESULT_UNSPECIFIED'
    },
  }
}

async function registered(service: string, token: string): Promise<{ uuid: string; token: string }> {
  const name = env.MUSTER_RUNNER_NAME ?? 'stand-in'
  const body = { name, token, version: 'v12.8.2', labels: bareLabels(), ephemeral: true }
  const runner = record((await post(`${service}/Register`, {}, body)).runner)
  return { uuid: String(runner.uuid), token: String(runner.token) }
}

/** Reads the one kind of workflow that simulated forges write: a single step that sleeps, and may fail after it. */
function taskOf(task: Record<string, unknown>): Task {
  const workflow = Buffer.from(String(task.workflowPayload), 'base64').toString('utf8')
  const [, seconds = '0', failure] = /sleep ([\d.]+)( && exit 1)?/.exec(workflow) ?? []
  return { id: String(task.id), seconds: Number(seconds), fails: failure !== undefined }
}

async function work(line: Line, task: Task): Promise<void> {
  const end = performance.now() + task.seconds * 1_000
  for (let left = task.seconds * 1_000; left > 0; left = end - performance.now()) {
    await pause(Math.min(left, heartbeat))
    if (performance.now() < end && !(await line.report(task, 'working'))) return
  }
  await line.report(task, task.fails ? 'failure' : 'success')
}

async function run(): Promise<void> {
  const config = env.ACTIONS_RUNNER_INPUT_JITCONFIG
  const line = config ? toGithub(config) : await joined()
  let task = await line.fetch()
  while (task === null) {
    await pause(interval)
    task = await line.fetch()
  }
  console.log(`took task ${task.id}`)
  await work(line, task)
}

function joined(): Promise<Line> | Line {
  const credential: Credential = JSON.parse(readFileSync(env.MUSTER_CREDENTIAL_FILE ?? '', 'utf8'))
  return credential.kind === 'jit' ? toGithub(credential.config) : toForgejoOrGitea(credential)
}

process.once('SIGTERM', () => process.exit(0))
try {
  await run()
} catch (error) {
  // A runner that its forge removed has nothing more to do, as with the real ones.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = error instanceof NoLongerKnown ? 0 : 1
}
