import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { V1Job } from '@kubernetes/client-node'
import { type Change, type Kind, PlayedCluster, type Stored } from './cluster.ts'
import { wrongFields } from './schema.ts'
import { invalid, Refusal, refuse } from './status.ts'

export const token = 'api-server-token-77c1'

/** One call as RBAC sees it. */
export interface Call {
  verb: string
  resource: string
  method: string
  path: string
  query: URLSearchParams
  body: string
}

/** `before` answers in place of the API server, or lets it go on by answering nothing; `after` breaks what it would say. */
export interface Disturbance {
  before?: (call: Call, answer: ServerResponse) => unknown
  after?: (call: Call, answer: ServerResponse) => void
}

interface Watcher {
  kind: Kind
  matches: (object: Stored) => boolean
  answer: ServerResponse
}

/** The API of one cluster over loopback: batch/v1 Jobs, Secrets, Pods and Events with versions, selectors, pages, trials and watches. */
export async function anApiServer(tls: { key: Buffer; cert: Buffer } | null = null) {
  const cluster = new PlayedCluster()
  const calls: Call[] = []
  const watchers = new Set<Watcher>()
  const denied = new Set<string>()
  const rest = new Map<string, { items: Stored[]; version: number }>()
  let disturbance: Disturbance = {}
  let gitVersion = 'v1.33.4'

  cluster.onChange = (change) => {
    for (const watcher of watchers) if (concerns(watcher, change)) event(watcher, change.type, change.object)
  }

  const handler = async (request: IncomingMessage, answer: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://api')
    const call = {
      ...rightOf(request, url),
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: await text(request),
    }
    calls.push(call)
    await disturbance.before?.(call, answer)
    if (answer.destroyed || answer.writableEnded || answer.headersSent) return
    try {
      const result = handle(call, request, answer)
      disturbance.after?.(call, answer)
      if (result !== null && !answer.destroyed && !answer.writableEnded) say(answer, 200, result)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      say(answer, error.code, error.body, error.headers)
    }
  }
  const server = tls ? createTlsServer(tls, handler) : createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    cluster,
    calls,
    denied,
    get streams() {
      return watchers.size
    },
    disturb(by: Disturbance) {
      disturbance = by
    },
    runs(version: string) {
      gitVersion = version
    },
    /** Ends each watch, as a load balancer or a new API server does. */
    breakWatches() {
      for (const { answer } of watchers) answer.socket?.resetAndDestroy()
    },
    /** In peace, as after `timeoutSeconds`. */
    endWatches() {
      for (const watcher of watchers) end(watcher)
    },
    bookmark() {
      const object = { kind: 'Job', metadata: { resourceVersion: String(cluster.version) } }
      for (const watcher of watchers) event(watcher, 'BOOKMARK', object)
    },
    /** Within the stream, as an API server says it that learns of it late. */
    expireWatches() {
      cluster.compact()
      for (const watcher of watchers) {
        event(watcher, 'ERROR', new Refusal(410, 'Expired', 'too old resource version').body)
        end(watcher)
      }
    },
    async close() {
      cluster.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  function end(watcher: Watcher): void {
    watchers.delete(watcher)
    watcher.answer.end()
  }

  function handle(call: Call, request: IncomingMessage, answer: ServerResponse): object | null {
    const { verb, resource, query, body, path } = call
    if (request.headers.authorization !== `Bearer ${token}`) refuse(401, 'Unauthorized', 'Unauthorized')
    if (path === '/version') {
      const [major, minor] = gitVersion.slice(1).split('.')
      return { major, minor, gitVersion }
    }
    if (resource === 'selfsubjectaccessreviews') {
      const review = JSON.parse(body)
      const { verb: asked, resource: of } = review.spec.resourceAttributes
      return { ...review, status: { allowed: !denied.has(`${asked} ${of}`) } }
    }
    if (denied.has(`${verb} ${resource}`)) {
      const [group, whom] = [resource === 'jobs' ? 'batch' : '', 'User "system:serviceaccount:ci:muster"']
      const what = `${resource === 'jobs' ? 'jobs.batch' : resource} is forbidden: ${whom} cannot ${verb}`
      refuse(
        403,
        'Forbidden',
        `${what} resource "${resource}" in API group "${group}" in the namespace "${namespaceOf(path)}"`,
      )
    }
    const name = path.split('/').slice(path.startsWith('/apis') ? 7 : 6)[0] ?? ''
    const trial = query.get('dryRun') === 'All'
    switch (`${verb} ${resource}`) {
      case 'create jobs':
        return createJob(JSON.parse(body), namespaceOf(path), trial)
      case 'create secrets':
        return createSecret(JSON.parse(body), namespaceOf(path))
      case 'get jobs':
        return cluster.job(name)
      case 'patch jobs':
        if (request.headers['content-type'] !== 'application/json-patch+json')
          refuse(415, 'UnsupportedMediaType', 'no patch')
        return cluster.patchJob(name, JSON.parse(body))
      case 'delete jobs': {
        const options = JSON.parse(body || '{}')
        if (options.propagationPolicy !== 'Background') invalid('pods would be left')
        cluster.deleteJob(name, options.preconditions)
        return { kind: 'Status', apiVersion: 'v1', status: 'Success' }
      }
      case 'list jobs':
      case 'list pods':
      case 'list events':
        return list(kindOf(resource), query)
      case 'watch jobs':
      case 'watch pods':
      case 'watch events':
        watch(kindOf(resource), query, answer)
        return null
    }
    return refuse(404, 'NotFound', 'the server could not find the requested resource')
  }

  function createJob(job: V1Job, namespace: string, trial: boolean): object {
    if (namespace !== cluster.namespace) refuse(404, 'NotFound', `namespaces "${namespace}" not found`)
    const wrong = [...wrongFields(job, 'V1Job'), ...lacking(job)]
    if (wrong.length > 0) invalid(wrong.join(', '))
    if (trial) return job
    return cluster.create('jobs', job)
  }

  function createSecret(secret: Parameters<typeof wrongFields>[0] & object, namespace: string): object {
    if (namespace !== cluster.namespace) refuse(404, 'NotFound', `namespaces "${namespace}" not found`)
    const wrong = wrongFields(secret, 'V1Secret')
    if (wrong.length > 0) invalid(wrong.join(', '))
    return cluster.create('secrets', secret)
  }

  function list(kind: Kind, query: URLSearchParams): object {
    const next = query.get('continue')
    const held = next === null ? null : rest.get(next)
    if (next !== null && (!held || held.version < cluster.compacted))
      refuse(410, 'Expired', 'The provided continue parameter is too old')
    const matches = selected(query)
    const all = held?.items ?? [...cluster.all(kind).values()].filter(matches)
    const version = held?.version ?? cluster.version
    const limit = Math.min(Number(query.get('limit') ?? 500), pageSize)
    const later = all.slice(limit)
    const more = later.length > 0 ? `${kind}-${version}-${later.length}` : undefined
    if (more) rest.set(more, { items: later, version })
    return { metadata: { resourceVersion: String(version), continue: more }, items: all.slice(0, limit) }
  }

  function watch(kind: Kind, query: URLSearchParams, answer: ServerResponse): void {
    const from = Number(query.get('resourceVersion'))
    if (from < cluster.compacted) refuse(410, 'Expired', `too old resource version: ${from} (${cluster.compacted})`)
    const watcher = { kind, matches: selected(query), answer }
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.flushHeaders()
    watchers.add(watcher)
    const timer = setTimeout(() => answer.end(), Number(query.get('timeoutSeconds') ?? 1_800) * 1_000)
    answer.on('close', () => {
      clearTimeout(timer)
      watchers.delete(watcher)
    })
    for (const change of cluster.history)
      if (change.version > from && concerns(watcher, change)) event(watcher, change.type, change.object)
  }
}

/** Small, so that a test reaches the second page. */
const pageSize = 3

export type ApiServer = Awaited<ReturnType<typeof anApiServer>>

export function say(answer: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  answer.writeHead(status, { 'content-type': 'application/json', ...headers })
  answer.end(JSON.stringify(body))
}

function concerns({ kind, matches }: Watcher, change: Change): boolean {
  return change.kind === kind && matches(change.object)
}

function event({ answer }: Watcher, type: string, object: object): void {
  answer.write(`${JSON.stringify({ type, object })}\n`)
}

function rightOf({ method }: IncomingMessage, { pathname, searchParams }: URL): { verb: string; resource: string } {
  const parts = pathname.split('/').filter(Boolean)
  const inNamespace = parts.indexOf('namespaces')
  const [resource = '', name] = inNamespace < 0 ? parts.slice(-1) : parts.slice(inNamespace + 2)
  const read = name ? 'get' : searchParams.get('watch') === 'true' ? 'watch' : 'list'
  const verbs: Record<string, string> = { GET: read, POST: 'create', PATCH: 'patch', DELETE: 'delete', PUT: 'update' }
  return { verb: verbs[method ?? ''] ?? '', resource }
}

function namespaceOf(path: string): string {
  return /\/namespaces\/([^/]+)/.exec(path)?.[1] ?? ''
}

function kindOf(resource: string): Kind {
  return resource === 'jobs' || resource === 'pods' ? resource : 'events'
}

function selected(query: URLSearchParams): (object: Stored) => boolean {
  const labels = (query.get('labelSelector') ?? '').split(',').filter(Boolean)
  return ({ metadata }) =>
    labels.every((one) => {
      const [key = '', value] = one.split('=')
      const found = metadata?.labels?.[key]
      return found !== undefined && (value === undefined || found === value)
    })
}

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const labelValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/

/** What the API server demands of a Job beyond the types of its fields. */
function lacking({ metadata, spec }: V1Job): string[] {
  const pod = spec?.template?.spec
  const volumes = (pod?.volumes ?? []).map(({ name }) => name)
  const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])]
  const mounts = containers.flatMap(({ volumeMounts }) => volumeMounts ?? []).map(({ name }) => name)
  const labels = [...Object.values(metadata?.labels ?? {}), ...Object.values(spec?.template?.metadata?.labels ?? {})]
  const demands = {
    'metadata.name: no DNS label': metadata?.generateName !== undefined || dnsLabel.test(metadata?.name ?? ''),
    'labels: an impossible value': labels.every((value) => labelValue.test(value)),
    'restartPolicy: Required value: valid values: "OnFailure", "Never"':
      pod?.restartPolicy === 'Never' || pod?.restartPolicy === 'OnFailure',
    'containers: Required value': (pod?.containers ?? []).length > 0,
    'image: Required value': containers.every(({ image }) => image),
    'containers: Duplicate value': new Set(containers.map(({ name }) => name)).size === containers.length,
    'volumes: Duplicate value': new Set(volumes).size === volumes.length,
    'volumeMounts: Not found': mounts.every((name) => volumes.includes(name)),
    'activeDeadlineSeconds: must be greater than 0': (spec?.activeDeadlineSeconds ?? 1) >= 1,
  }
  return Object.entries(demands).flatMap(([problem, met]) => (met ? [] : [problem]))
}
