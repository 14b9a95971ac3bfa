import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** One call as it came over the wire. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: string
}

export interface Job {
  ID: string
  ParentID: string
  Status: 'pending' | 'running' | 'dead'
  Stop: boolean
  Type: string
  Meta: Record<string, string>
  /** Base64. */
  Payload: string | null
  DispatchIdempotencyToken: string
  ParameterizedJob: { Payload: string; MetaRequired: string[]; MetaOptional: string[] } | null
  TaskGroups: { Name: string; RestartPolicy: { Attempts: number }; ReschedulePolicy: { Attempts: number } }[]
}

type Capability = 'dispatch-job' | 'submit-job' | 'read-job' | 'list-jobs'
export type Behaviour = (call: Call, answer: ServerResponse, request: IncomingMessage) => void

const meta = {
  ancestor: ['REPO_FULL_NAME', 'REPO_SHORT_NAME', 'WORKFLOW_RUN', 'DELIVERY_ID'],
  ours: [
    'MUSTER_OWNER',
    'MUSTER_DISPATCH',
    'MUSTER_ENDS_AT',
    'MUSTER_RUNNER_NAME',
    'MUSTER_LABELS',
    'MUSTER_INSTANCE',
    'MUSTER_MACHINE_TYPE',
    'MUSTER_IMAGE',
  ],
}

/** A parameterized job; `declares` says whose meta keys. */
export function aJob(declares: 'full' | 'ancestor' = 'full', over: Partial<Job> = {}): Job {
  return {
    ID: 'muster-runner',
    ParentID: '',
    Status: 'running',
    Stop: false,
    Type: 'batch',
    Meta: {},
    Payload: null,
    DispatchIdempotencyToken: '',
    ParameterizedJob: {
      Payload: 'required',
      MetaRequired: [...meta.ancestor],
      MetaOptional: declares === 'full' ? [...meta.ours] : [],
    },
    TaskGroups: [{ Name: 'runner', RestartPolicy: { Attempts: 0 }, ReschedulePolicy: { Attempts: 0 } }],
    ...over,
  }
}

/**
 * The part of Nomad that we call, by its published API (api-docs/jobs.mdx) and by nomad/job_endpoint.go and command/agent/http.go of 1.5 to
 * 1.10: errors are plain text, and all that is no coded error is a 500.
 */
export class FakeNomad {
  readonly calls: Call[] = []
  readonly jobs = new Map<string, Job>()
  /** By ACL token; empty while ACLs are off. */
  readonly policies = new Map<string, readonly Capability[]>()
  leader = '127.0.0.1:4647'
  /** What keeps new jobs from being placed; null places them. */
  blockedBy: Record<string, unknown> | null = null
  url = ''
  #index = 10
  #count = 0
  #waiting = new Set<() => void>()
  #disturbances: { fits: (call: Call) => boolean; behaviour: Behaviour }[] = []
  #evaluations = new Map<string, Record<string, unknown>>()
  readonly #server = createServer((request, answer) => void this.#serve(request, answer))

  constructor(job: Job = aJob()) {
    this.jobs.set(job.ID, job)
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  /** Calls that fit are answered so from now on. */
  disturb(fits: (call: Call) => boolean, behaviour: Behaviour): void {
    this.#disturbances.push({ fits, behaviour })
  }

  calm(): void {
    this.#disturbances = []
  }

  get children(): Job[] {
    return [...this.jobs.values()].filter(({ ParentID }) => ParentID !== '')
  }

  /** The runner of a job ends by itself. */
  end(job: Job): void {
    job.Status = 'dead'
    this.#changed()
  }

  get openQuestions(): number {
    return this.#waiting.size
  }

  /** Breaks every connection, as its restart does. */
  breakConnections(): void {
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url)
    const call: Call = {
      method: request.method ?? '',
      path: decodeURIComponent(pathname),
      query: searchParams,
      headers: request.headers,
      body: await text(request).catch(() => ''),
    }
    this.calls.push(call)
    const disturbance = this.#disturbances.find(({ fits }) => fits(call))
    if (disturbance) return disturbance.behaviour(call, answer, request)
    try {
      await this.#answer(call, answer)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      say(answer, error.status, error.message)
    }
  }

  async #answer(call: Call, answer: ServerResponse): Promise<void> {
    const { method, path, query } = call
    if (path === '/v1/status/leader') return say(answer, 200, this.leader)
    if (method === 'GET' && path === '/v1/jobs') return this.#list(call, answer)
    const evaluation = /^\/v1\/evaluation\/(.+)$/.exec(path)?.[1]
    if (evaluation !== undefined) {
      this.#permit(call, 'read-job')
      return say(answer, 200, this.#evaluations.get(evaluation) ?? null)
    }
    const dispatched = /^\/v1\/job\/(.+)\/dispatch$/.exec(path)?.[1]
    if (method === 'POST' && dispatched !== undefined) {
      this.#permit(call, 'dispatch-job')
      return say(answer, 200, this.#dispatch(dispatched, query.get('idempotency_token') ?? '', JSON.parse(call.body)))
    }
    const job = /^\/v1\/job\/(.+)$/.exec(path)?.[1]
    if (job === undefined) throw new Refusal(404, '404 page not found')
    if (method === 'DELETE') {
      this.#permit(call, 'submit-job')
      const stopped = this.jobs.get(job)
      if (stopped) Object.assign(stopped, { Stop: true, Status: 'dead' })
      if (query.get('purge') === 'true') this.jobs.delete(job)
      this.#changed()
      return say(answer, 200, { EvalID: 'e', JobModifyIndex: this.#index })
    }
    this.#permit(call, 'read-job')
    const told = this.jobs.get(job)
    if (!told) throw new Refusal(404, 'job not found')
    say(answer, 200, told)
  }

  #dispatch(id: string, key: string, body: { Meta?: Record<string, string>; Payload?: string }) {
    if (this.leader === '') throw new Refusal(500, 'No cluster leader')
    const job = this.jobs.get(id)
    if (!job) throw new Refusal(500, 'parameterized job not found')
    const parameters = job.ParameterizedJob
    if (!parameters) throw new Refusal(500, `Specified job "${id}" is not a parameterized job`)
    if (job.Stop) throw new Refusal(500, `Specified job "${id}" is stopped`)
    const size = Buffer.from(body.Payload ?? '', 'base64').length
    if (size === 0) throw new Refusal(500, 'Payload is not provided but required by parameterized job')
    if (size > 16_384) throw new Refusal(500, `Payload exceeds maximum size; ${size} > 16384`)
    const keys = Object.keys(body.Meta ?? {})
    const declared = [...parameters.MetaRequired, ...parameters.MetaOptional]
    const undeclared = keys.filter((name) => !declared.includes(name))
    if (undeclared.length > 0)
      throw new Refusal(500, `Dispatch request included unpermitted metadata keys: [${undeclared.join(' ')}]`)
    const missing = parameters.MetaRequired.filter((name) => !keys.includes(name))
    if (missing.length > 0)
      throw new Refusal(500, `Dispatch did not provide required meta keys: [${missing.join(' ')}]`)
    const known = this.children.find((child) => child.ParentID === id && child.DispatchIdempotencyToken === key)
    if (key !== '' && known) return { DispatchedJobID: known.ID, EvalID: '', Index: this.#index }
    const child: Job = {
      ...job,
      ID: `${id}/dispatch-1700000000-${String(++this.#count).padStart(8, '0')}`,
      ParentID: id,
      Status: this.blockedBy ? 'pending' : 'running',
      Meta: { ...job.Meta, ...body.Meta },
      Payload: body.Payload ?? null,
      DispatchIdempotencyToken: key,
    }
    this.jobs.set(child.ID, child)
    const evaluation = `evaluation-${this.#count}`
    this.#evaluations.set(evaluation, {
      Status: 'complete',
      ...(this.blockedBy && { BlockedEval: 'later', FailedTGAllocs: { runner: this.blockedBy } }),
    })
    this.#changed()
    return { DispatchedJobID: child.ID, EvalID: evaluation, EvalCreateIndex: this.#index, Index: this.#index }
  }

  async #list(call: Call, answer: ServerResponse): Promise<void> {
    this.#permit(call, 'list-jobs')
    const { query } = call
    const since = Number(query.get('index') ?? 0)
    if (since >= this.#index) {
      const gone = await this.#change(answer, Number.parseInt(query.get('wait') ?? '300', 10) * 1_000)
      if (gone) return
    }
    const filter = query.get('filter')
    if (filter !== null && filter !== 'Status != "dead"') throw new Refusal(400, `Invalid filter: ${filter}`)
    const rows = [...this.jobs.values()]
      .filter(({ ID }) => ID.startsWith(query.get('prefix') ?? ''))
      .filter(({ Status }) => filter === null || Status !== 'dead')
      .sort((a, b) => (a.ID < b.ID ? -1 : 1))
    const begin = Math.max(
      0,
      rows.findIndex(({ ID }) => ID >= (query.get('next_token') ?? '')),
    )
    const perPage = Number(query.get('per_page') ?? 0) || rows.length
    const next = rows[begin + perPage]
    const stubs = rows.slice(begin, begin + perPage).map(({ ID, ParentID, Status, Type, Stop, Meta }) => ({
      ID,
      ParentID,
      Name: ID,
      Status,
      Type,
      Stop,
      ...(query.get('meta') === 'true' && { Meta }),
    }))
    say(answer, 200, stubs, {
      'x-nomad-index': String(this.#index),
      'x-nomad-knownleader': 'true',
      ...(next && { 'x-nomad-nexttoken': next.ID }),
    })
  }

  /** Waits for a change; true when the caller went away. */
  #change(answer: ServerResponse, wait: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (gone: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve(gone)
      }
      const wake = () => end(false)
      const timer = setTimeout(wake, wait)
      this.#waiting.add(wake)
      answer.once('close', () => end(true))
    })
  }

  #changed(): void {
    this.#index++
    for (const wake of [...this.#waiting]) wake()
  }

  #permit({ headers, query }: Call, capability: Capability): void {
    if (this.policies.size === 0) return
    const token = headers['x-nomad-token']
    const held = this.policies.get(String(token ?? ''))
    if (token !== undefined && !held) throw new Refusal(403, 'ACL token not found')
    if (!held?.includes(capability) || query.get('namespace') === 'forbidden')
      throw new Refusal(403, 'Permission denied')
  }
}

class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Errors are bare text, everything else is JSON. */
export function say(answer: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const ok = status < 300
  answer.writeHead(status, { 'content-type': ok ? 'application/json' : 'text/plain; charset=utf-8', ...headers })
  answer.end(ok ? JSON.stringify(body) : String(body))
}
