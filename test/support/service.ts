import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type App, startApp } from '../../src/app.ts'
import type { Clock } from '../../src/clock.ts'
import { loadConfig } from '../../src/config/load.ts'
import { until } from '../journeys/until.ts'

/** A row of a list of the API, of which a test reads what it is about. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever JSON came.
export type Row = Record<string, any>

/** The whole application on a configuration, as its users reach it: over HTTP. */
export interface RunningService {
  readonly app: App
  readonly publicUrl: string
  readonly adminUrl: string
  /** Log lines as they were written. */
  readonly log: readonly string[]
  /** Every text that the admin listener answered. */
  readonly answers: readonly string[]
  get(path: string): Promise<{ status: number; json: Row }>
  post(path: string, body?: object): Promise<{ status: number; json: Row }>
  /** All rows of a list, every page of it. */
  list(path: string): Promise<Row[]>
  jobs(): Promise<Row[]>
  job(instance: string, id: number | string): Promise<Row>
  dispatches(): Promise<Row[]>
  instance(name: string): Promise<Row>
  /** The value of one sample at `/metrics`; 0 where it is not there. */
  metric(name: string, labels?: Record<string, string>): Promise<number>
  /** Writes another configuration in the place of the one before, as text or as what YAML would say; it is not read yet. */
  rewrite(configuration: object | string): Promise<void>
  /** Resolves when a look that began after this call is done, and so is the turn that read it. */
  look(instance: string): Promise<void>
  stop(): Promise<void>
}

export interface ServiceOptions {
  folder: string
  clock: Clock
  env?: NodeJS.ProcessEnv
  /** How often it is counted how everything is, milliseconds. */
  sampling?: number
}

/** Writes the configuration as a user would, and starts the application on it. A second call on the same folder takes the state up again. */
export async function startService(
  configuration: object,
  { folder, clock, env = {}, sampling }: ServiceOptions,
): Promise<RunningService> {
  const file = join(folder, 'autoscaler.yaml')
  await writeFile(file, stringify(configuration))
  const log: string[] = []
  const answers: string[] = []
  const load = () => loadConfig(file, {})
  const ports = { load, clock, env, sampling, logLevel: 'debug', writeLog: (line: string) => log.push(line) }
  const app = await startApp(load(), ports)
  const adminUrl = `http://127.0.0.1:${app.adminPort}`
  let stopped: Promise<void> | null = null

  async function ask(path: string, method = 'GET', body?: object): Promise<{ status: number; text: string }> {
    const sent = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const answer = await fetch(adminUrl + path, { method, ...sent })
    const text = await answer.text()
    answers.push(text)
    return { status: answer.status, text }
  }

  async function call(path: string, method?: string, body?: object) {
    const { status, text } = await ask(`/api/v1/${path}`, method, body)
    const json: Row = JSON.parse(text)
    return { status, json }
  }

  async function list(path: string): Promise<Row[]> {
    const rows: Row[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { json } = await call(`${path}${path.includes('?') ? '&' : '?'}limit=500${cursor && `&cursor=${cursor}`}`)
      rows.push(...json.items)
      cursor = json.next
    }
    return rows
  }

  async function lookOnce(instance: string): Promise<void> {
    const asked = clock.now()
    await call(`instances/${instance}/look`, 'POST')
    await until(`the look at ${instance} is done`, async () => {
      const { json } = await call(`instances/${instance}`)
      return json.last_look !== null && Date.parse(json.last_look.began_at) >= asked
    })
  }

  return {
    app,
    publicUrl: `http://127.0.0.1:${app.publicPort}`,
    adminUrl,
    log,
    answers,
    get: (path) => call(path),
    post: (path, body) => call(path, 'POST', body),
    list,
    jobs: () => list('jobs'),
    async job(instance, id) {
      const { json } = await call(`jobs/${instance}/${id}`)
      return json
    },
    dispatches: () => list('dispatches'),
    instance: async (name) => (await call(`instances/${name}`)).json,
    async metric(name, labels = {}) {
      const { text } = await ask('/metrics')
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      const fitting = lines.filter((line) => wanted.every((label) => line.includes(label)))
      return fitting.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async look(instance) {
      // The turn that reads a look tells of it before it is over; the turn of the second comes after it.
      await lookOnce(instance)
      await lookOnce(instance)
    },
    rewrite: (configuration) =>
      writeFile(file, typeof configuration === 'string' ? configuration : stringify(configuration)),
    stop() {
      stopped ??= app.stop()
      return stopped
    },
  }
}
