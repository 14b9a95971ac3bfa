import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

/** A container as this engine holds it. Moments are epoch milliseconds, 0 for never. */
export interface FakeContainer {
  name: string
  body: { Image: string; Labels: Record<string, string>; HostConfig: Record<string, unknown>; [key: string]: unknown }
  platform: string | null
  state: 'created' | 'running' | 'exited'
  exitCode: number
  outOfMemory: boolean
  createdAt: number
  startedAt: number
  finishedAt: number
  archives: Buffer[]
  networks: string[]
  output: string
}

/** `refuse` answers with this status, `break` ends the connection without doing it, `lose` does it and ends the connection, `hang` never answers. */
export type Fault = { refuse: number; message?: string } | 'break' | 'lose' | 'hang'

export interface FakeEngine {
  socket: string
  containers: Map<string, FakeContainer>
  volumes: Set<string>
  images: Map<string, { user: string }>
  /** What a registry would give. */
  registry: Map<string, { user: string }>
  /** The dispatches of runners, one for each start. */
  starts: string[]
  /** Each request as `METHOD path`, without its query. */
  requests: string[]
  pulls: { image: string; auth: unknown }[]
  /** What it says of itself. */
  version: { Version: string; ApiVersion: string; Components: { Name: string }[] }
  info: Record<string, unknown>
  /** It lists more than was asked for. */
  loose: boolean
  /** Bad luck for requests whose `METHOD path` fits; null for none. */
  fault(fits: RegExp, fault: Fault | null): void
  /** Pulls wait until this is called. */
  holdPulls(): () => void
  end(name: string, exitCode?: number, output?: string): void
  /** Every event stream breaks. */
  breakStreams(): void
  streams(): number
  close(): Promise<void>
}

/** The part of the Docker Engine API 1.41 that is used, as a state machine over a Unix socket. */
export async function fakeEngine(): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-engine-'))
  const socket = join(folder, 'engine.sock')
  const containers = new Map<string, FakeContainer>()
  const volumes = new Set<string>()
  const images = new Map([['runner:1', { user: '' }]])
  const registry = new Map<string, { user: string }>()
  const starts: string[] = []
  const requests: string[] = []
  const pulls: FakeEngine['pulls'] = []
  const faults = new Map<string, { fits: RegExp; fault: Fault }>()
  const version = { Version: '20.10.24', ApiVersion: '1.41', Components: [{ Name: 'Engine' }] }
  const info = { OSType: 'linux', MemoryLimit: true, CpuCfsQuota: true }
  const listeners = new Set<{ answer: ServerResponse; labels: string[] }>()
  let held = Promise.resolve()

  const server = createServer(async (request, answer) => {
    const url = new URL(request.url ?? '/', 'http://engine')
    const call = `${request.method} ${decodeURIComponent(url.pathname)}`
    requests.push(call)
    const body = await buffer(request)
    const fault = [...faults.values()].find(({ fits }) => fits.test(call))?.fault ?? null
    if (fault === 'hang') return
    if (fault === 'break') return void answer.destroy()
    if (fault !== null && fault !== 'lose') return say(answer, fault.refuse, { message: fault.message ?? 'bad luck' })
    if (fault === 'lose') {
      await handle(request, url, body, deaf(answer))
      return void answer.destroy()
    }
    await handle(request, url, body, answer)
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))

  async function handle(request: IncomingMessage, url: URL, body: Buffer, answer: ServerResponse): Promise<void> {
    const path = decodeURIComponent(url.pathname)
    const query = url.searchParams
    const filters = JSON.parse(query.get('filters') ?? '{}') as Record<string, string[]>
    const call = `${request.method} ${path}`
    const [, name = '', action = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
    const container = containers.get(name)
    if (call === 'GET /version') return say(answer, 200, version)
    if (call === 'GET /info') return say(answer, 200, info)
    if (call === 'GET /events') return listen(answer, filters.label ?? [])
    if (call === 'GET /containers/json') return say(answer, 200, listed(filters.label ?? []))
    if (call === 'POST /containers/create') return create(query, body, answer)
    if (call === 'POST /images/create') return pull(query, request, answer)
    if (path.startsWith('/images/')) return image(path.slice('/images/'.length, -'/json'.length), answer)
    if (path.startsWith('/networks/')) return network(path, body, answer)
    if (path.startsWith('/volumes/')) return volume(path.slice('/volumes/'.length), answer)
    if (!container) return say(answer, 404, { message: `No such container: ${name}` })
    switch (`${request.method} ${action}`) {
      case 'GET json':
        return say(answer, 200, inspected(container))
      case 'PUT archive':
        container.archives.push(body)
        return say(answer, 200)
      case 'POST start':
        if (container.state === 'running') return say(answer, 304)
        start(container)
        return say(answer, 204)
      case 'POST stop':
        if (container.state !== 'running') return say(answer, 304)
        end(container, 143)
        return say(answer, 204)
      case 'GET logs':
        return logs(container, answer)
      case 'DELETE ':
        return remove(container, query, answer)
    }
    say(answer, 404, { message: 'page not found' })
  }

  function create(query: URLSearchParams, body: Buffer, answer: ServerResponse) {
    const name = query.get('name') ?? ''
    const made = JSON.parse(body.toString()) as FakeContainer['body']
    if (containers.has(name))
      return say(answer, 409, { message: `Conflict. The container name "/${name}" is already in use` })
    if (!images.has(made.Image)) return say(answer, 404, { message: `No such image: ${made.Image}` })
    for (const bind of (made.HostConfig.Binds ?? []) as string[])
      if (!bind.startsWith('/')) volumes.add(bind.split(':')[0] ?? '')
    containers.set(name, {
      name,
      body: made,
      platform: query.get('platform'),
      state: 'created',
      exitCode: 0,
      outOfMemory: false,
      createdAt: Date.now(),
      startedAt: 0,
      finishedAt: 0,
      archives: [],
      networks: [],
      output: '',
    })
    say(answer, 201, { Id: name, Warnings: [] })
  }

  function start(container: FakeContainer): void {
    container.state = 'running'
    container.startedAt = Date.now()
    const { Labels } = container.body
    if (Labels['io.muster.role'] === 'runner') starts.push(Labels['io.muster.dispatch'] ?? '')
  }

  function end(container: FakeContainer, exitCode: number): void {
    Object.assign(container, { state: 'exited', exitCode, finishedAt: Date.now() })
    const event = {
      Type: 'container',
      Action: 'die',
      Actor: {
        ID: container.name,
        Attributes: { ...container.body.Labels, name: container.name, exitCode: String(exitCode) },
      },
    }
    for (const { answer, labels } of listeners) if (wears(container, labels)) answer.write(`${JSON.stringify(event)}\n`)
  }

  function remove(container: FakeContainer, query: URLSearchParams, answer: ServerResponse) {
    if (container.state === 'running' && query.get('force') !== 'true')
      return say(answer, 409, { message: `You cannot remove a running container ${container.name}` })
    if (container.state === 'running') end(container, 137)
    containers.delete(container.name)
    say(answer, 204)
  }

  function logs({ output }: FakeContainer, answer: ServerResponse): void {
    const text = Buffer.from(output)
    const header = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0])
    header.writeUInt32BE(text.length, 4)
    answer.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' })
    answer.end(text.length > 0 ? Buffer.concat([header, text]) : undefined)
  }

  function image(name: string, answer: ServerResponse): void {
    const here = images.get(name)
    if (here) say(answer, 200, { Id: `sha256:${name}`, Config: { User: here.user } })
    else say(answer, 404, { message: `No such image: ${name}` })
  }

  async function pull(query: URLSearchParams, request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const name = `${query.get('fromImage')}:${query.get('tag')}`
    const header = request.headers['x-registry-auth']
    pulls.push({ image: name, auth: header ? JSON.parse(Buffer.from(String(header), 'base64url').toString()) : null })
    await held
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.write(`${JSON.stringify({ status: `Pulling from ${name}`, id: query.get('tag') })}\n`)
    const found = registry.get(name)
    if (found) images.set(name, found)
    const last = found
      ? { status: 'Status: Downloaded newer image' }
      : { errorDetail: {}, error: `manifest for ${name} not found` }
    answer.end(`${JSON.stringify({ status: 'Pull complete', id: 'a1' })}\n${JSON.stringify(last)}\n`)
  }

  function network(path: string, body: Buffer, answer: ServerResponse) {
    const [, name = '', action] = /^\/networks\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
    if (name === 'missing') return say(answer, 404, { message: `network ${name} not found` })
    if (action === 'connect') containers.get(JSON.parse(body.toString()).Container)?.networks.push(name)
    say(answer, 200, { Name: name })
  }

  function volume(name: string, answer: ServerResponse): void {
    volumes.delete(name)
    say(answer, 204)
  }

  function listen(answer: ServerResponse, labels: string[]): void {
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.flushHeaders()
    const listener = { answer, labels }
    listeners.add(listener)
    answer.once('close', () => listeners.delete(listener))
  }

  function listed(labels: string[]) {
    const shown = [...containers.values()].filter((container) => engine.loose || wears(container, labels))
    return shown.map(({ name, state, body }) => ({ Id: name, Names: [`/${name}`], State: state, Labels: body.Labels }))
  }

  const engine: FakeEngine = {
    socket,
    loose: false,
    containers,
    volumes,
    images,
    registry,
    starts,
    requests,
    pulls,
    version,
    info,
    fault(fits, fault) {
      if (fault === null) faults.delete(fits.source)
      else faults.set(fits.source, { fits, fault })
    },
    holdPulls() {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    end(name, exitCode = 0, output = '') {
      const container = containers.get(name)
      if (!container) throw new Error(`there is no container ${name}`)
      container.output = output
      end(container, exitCode)
    },
    breakStreams() {
      for (const { answer } of listeners) answer.destroy()
    },
    streams: () => listeners.size,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
  return engine
}

function wears({ body }: FakeContainer, labels: string[]): boolean {
  return labels.every((label) => {
    const [name = '', ...value] = label.split('=')
    return body.Labels[name] === value.join('=')
  })
}

function inspected(container: FakeContainer) {
  const { name, body, state, exitCode, outOfMemory, createdAt, startedAt, finishedAt } = container
  return {
    Id: name,
    Name: `/${name}`,
    Created: new Date(createdAt).toISOString(),
    Config: { Labels: body.Labels, User: body.User ?? '' },
    HostConfig: body.HostConfig,
    State: {
      Status: state,
      ExitCode: exitCode,
      OOMKilled: outOfMemory,
      StartedAt: moment(startedAt),
      FinishedAt: moment(finishedAt),
    },
  }
}

/** The API's word for never. */
function moment(at: number): string {
  return at === 0 ? '0001-01-01T00:00:00Z' : new Date(at).toISOString()
}

/** An answer that nobody hears. */
function deaf(answer: ServerResponse): ServerResponse {
  return Object.assign(Object.create(answer), { writeHead: () => answer, write: () => true, end: () => answer })
}

function say(answer: ServerResponse, status: number, body?: unknown): void {
  answer.writeHead(status, { 'content-type': 'application/json' })
  answer.end(body === undefined ? undefined : JSON.stringify(body))
}
