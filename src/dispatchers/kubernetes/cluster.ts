import type { ConfigurationOptions, V1Job, V1Secret } from '@kubernetes/client-node'
import { isExpired, NeverSent } from './faults.ts'
import { loaded, tied } from './kubeconfig.ts'
import type { KubernetesOptions } from './options.ts'
import { unknownFields } from './pod-fields.ts'

/** The kinds that are listed and watched, by the path that a watch is asked at. */
export const watched = { jobs: '/apis/batch/v1', pods: '/api/v1', events: '/api/v1' } as const
export type Watched = keyof typeof watched

export interface Selection {
  labelSelector?: string
  fieldSelector?: string
}

/** A list as one moment had it. */
export interface Listed {
  items: readonly unknown[]
  resourceVersion: string
}

/** One namespace of one cluster. Every call rejects as the client does (see `faultOf`), and after `callDeadline` at the latest. */
export interface Cluster {
  readonly namespace: string
  readonly server: string
  /** The credential for the API server, as far as it stands in the kubeconfig; to be scrubbed. */
  readonly secrets: readonly string[]
  version(signal: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }>
  mayI(verb: string, group: string, resource: string, signal: AbortSignal): Promise<boolean>
  createJob(job: V1Job, signal: AbortSignal, trial?: 'trial'): Promise<V1Job>
  readJob(name: string, signal: AbortSignal): Promise<V1Job>
  /** A JSON patch (RFC 6902). */
  patchJob(name: string, patch: readonly object[], signal: AbortSignal): Promise<V1Job>
  /** In the background: its pod and its Secret go after it. */
  deleteJob(name: string, only: { uid: string; resourceVersion?: string }, signal: AbortSignal): Promise<void>
  createSecret(secret: V1Secret, signal: AbortSignal): Promise<void>
  /** All pages. */
  list(kind: Watched, selection: Selection, signal: AbortSignal): Promise<Listed>
  /** Resolves when the API server ends the stream, which it does within a minute, or when the signal is aborted. */
  watch(kind: Watched, selection: WatchSelection, onEvent: OnEvent, signal: AbortSignal): Promise<void>
  /** Fields of a PodTemplateSpec that the API of this client does not know, as paths. */
  unknownFields(podTemplate: unknown): string[]
}

export type WatchSelection = Selection & { resourceVersion: string }
export type OnEvent = (type: string, object: unknown) => void

/** Milliseconds for one call. A connection that does not come about fails sooner (10 s), so that this one means: it was sent. */
const callDeadline = 15_000
const pageSize = 500
/** Seconds. The client takes a stream of 30 s of silence for a broken one; the API server sends a bookmark before it ends one. */
const watchSeconds = 25

/** Rejects with `DispatcherUnusable`. The client is 85 MB of memory and 0.3 s of loading: only who has such a dispatcher pays. */
export async function openCluster(options: KubernetesOptions): Promise<Cluster> {
  const client = await import('@kubernetes/client-node')
  const load = () => loaded(new client.KubeConfig(), options)
  const config = load()
  const namespace = options.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  const user = config.getCurrentUser()
  const batch = config.makeApiClient(client.BatchV1Api)
  const core = config.makeApiClient(client.CoreV1Api)
  const inNamespace = { namespace }

  const lists: Record<Watched, (page: Page, how: ConfigurationOptions) => Promise<PageOfItems>> = {
    jobs: (page, how) => batch.listNamespacedJob({ ...inNamespace, ...page }, how),
    pods: (page, how) => core.listNamespacedPod({ ...inNamespace, ...page }, how),
    events: (page, how) => core.listNamespacedEvent({ ...inNamespace, ...page }, how),
  }

  return {
    namespace,
    server: config.getCurrentCluster()?.server ?? '',
    secrets: [user?.token, user?.password, user?.keyData].filter((secret) => typeof secret === 'string'),
    unknownFields: (template) => unknownFields(template, 'V1PodTemplateSpec', new Map(Object.entries(client))),

    version: (signal) => call((how) => config.makeApiClient(client.VersionApi).getCode({}, how), signal),

    async mayI(verb, group, resource, signal) {
      const body = { spec: { resourceAttributes: { ...inNamespace, verb, group, resource } } }
      const api = config.makeApiClient(client.AuthorizationV1Api)
      const review = await call((how) => api.createSelfSubjectAccessReview({ body }, how), signal)
      return review.status?.allowed === true
    },

    createJob: (body, signal, trial) =>
      call((how) => batch.createNamespacedJob({ ...inNamespace, body, ...(trial && { dryRun: 'All' }) }, how), signal),
    readJob: (name, signal) => call((how) => batch.readNamespacedJob({ ...inNamespace, name }, how), signal),
    patchJob: (name, body, signal) =>
      call((how) => batch.patchNamespacedJob({ ...inNamespace, name, body }, how), signal),

    async deleteJob(name, preconditions, signal) {
      const body = { preconditions, propagationPolicy: 'Background' }
      await call((how) => batch.deleteNamespacedJob({ ...inNamespace, name, body }, how), signal)
    },

    async createSecret(body, signal) {
      await call((how) => core.createNamespacedSecret({ ...inNamespace, body }, how), signal)
    },

    async list(kind, selection, signal) {
      const all = () => pages((page) => call((how) => lists[kind]({ ...selection, ...page }, how), signal))
      // Its pages are of one moment, which the API server remembers for a few minutes.
      return all().catch((error: unknown) => (isExpired(error) ? all() : Promise.reject(error)))
    },

    async watch(kind, selection, onEvent, signal) {
      if (signal.aborted) return
      const path = `${watched[kind]}/namespaces/${namespace}/${kind}`
      const query = { ...selection, allowWatchBookmarks: true, timeoutSeconds: watchSeconds }
      const connection = tied(load())
      const ended = Promise.withResolvers<void>()
      const end = () => ended.resolve()
      signal.addEventListener('abort', end, { once: true })
      const done = (error: unknown) => (error && !signal.aborted ? ended.reject(error) : end())
      try {
        new client.Watch(connection.config).watch(path, query, onEvent, done).catch(done)
        await ended.promise
      } finally {
        signal.removeEventListener('abort', end)
        connection.end()
      }
    },
  }
}

/** One exchange with a deadline, over a connection of its own that ends with it. */
async function call<T>(exchange: (how: ConfigurationOptions) => Promise<T>, signal: AbortSignal): Promise<T> {
  const ending = AbortSignal.any([signal, AbortSignal.timeout(callDeadline)])
  const { Observable } = await import('@kubernetes/client-node')
  let connection: { end: () => Promise<void> | undefined } | null = null
  const how: ConfigurationOptions = {
    middlewareMergeStrategy: 'append',
    middleware: [
      {
        pre(context) {
          const own = context.getDispatcher()
          connection = { end: () => own?.destroy() }
          context.setSignal(ending)
          return new Observable(Promise.resolve(context))
        },
        post: (answer) => new Observable(Promise.resolve(answer)),
      },
    ],
  }
  const given = Promise.withResolvers<never>()
  const giveUp = () => given.reject(ending.reason)
  ending.addEventListener('abort', giveUp, { once: true })
  if (ending.aborted) giveUp()
  try {
    // The signal ends an exchange, but not what comes before it: a plug-in that fetches the credential.
    return await Promise.race([given.promise, exchange(how)])
  } catch (error) {
    throw connection === null ? neverSent(error, ending) : error
  } finally {
    ending.removeEventListener('abort', giveUp)
    await ended(connection)
  }
}

function neverSent(error: unknown, { aborted }: AbortSignal): NeverSent {
  const why = error instanceof Error ? error.message : String(error)
  return new NeverSent(aborted ? 'it was given up before it was sent' : why, { cause: error })
}

async function ended(connection: { end: () => Promise<void> | undefined } | null): Promise<void> {
  await connection?.end()?.catch(() => undefined)
}

interface Page extends Selection {
  limit: number
  _continue?: string
}

interface PageOfItems {
  items: readonly unknown[]
  metadata?: { resourceVersion?: string; _continue?: string }
}

async function pages(ask: (page: Page) => Promise<PageOfItems>): Promise<Listed> {
  const items: unknown[] = []
  for (let from: string | undefined; ; ) {
    const page = await ask({ limit: pageSize, ...(from && { _continue: from }) })
    items.push(...page.items)
    from = page.metadata?._continue
    if (!from) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }
}
