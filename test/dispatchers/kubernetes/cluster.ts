import { randomUUID } from 'node:crypto'
import type { CoreV1Event, V1Job, V1ObjectMeta, V1Pod, V1Secret } from '@kubernetes/client-node'
import { invalid, refuse } from './status.ts'

export type Kind = 'jobs' | 'secrets' | 'pods' | 'events'
export type Stored = V1Job | V1Secret | V1Pod | CoreV1Event
export interface Change {
  version: number
  kind: Kind
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  object: Stored
}

/** What a cluster holds and does of itself: objects with versions, a controller for Jobs, garbage that is collected. */
export class PlayedCluster {
  readonly jobs = new Map<string, V1Job>()
  readonly secrets = new Map<string, V1Secret>()
  readonly pods = new Map<string, V1Pod>()
  readonly events = new Map<string, CoreV1Event>()
  readonly namespace = 'ci'
  /** The dispatch of each runner that began, with the script that it began with. */
  readonly started: { dispatch: string; script: string }[] = []
  readonly history: Change[] = []
  version = 1_000
  /** Versions up to this one are forgotten. */
  compacted = 0
  /** What the pods to come wait for, instead of running. */
  hindrance: { reason: string; message: string } | null = null
  /** Why the controller can make no pod. */
  podRefusal: string | null = null
  /** Pods stay for a while when their Job goes, as those do that end slowly. */
  lingering = false
  onChange: (change: Change) => void = () => undefined
  readonly #timers = new Set<NodeJS.Timeout>()

  all(kind: Kind): Map<string, Stored> {
    return { jobs: this.jobs, secrets: this.secrets, pods: this.pods, events: this.events }[kind]
  }

  create(kind: 'jobs', object: V1Job): V1Job
  create(kind: 'secrets', object: V1Secret): V1Secret
  create(kind: 'pods', object: V1Pod): V1Pod
  create(kind: 'events', object: CoreV1Event): CoreV1Event
  create(kind: Kind, object: Stored): Stored {
    const name = object.metadata?.name ?? ''
    if (this.all(kind).has(name))
      refuse(409, 'AlreadyExists', `${kind === 'jobs' ? 'jobs.batch' : kind} "${name}" already exists`)
    const made = { ...object, metadata: { ...object.metadata, uid: randomUUID(), namespace: this.namespace } }
    this.#store(kind, made, 'ADDED')
    this.#control()
    return made
  }

  /** RFC 6902, as far as it is used. */
  patchJob(name: string, patch: readonly { op: string; path: string; value: unknown }[]): V1Job {
    const job = structuredClone(this.job(name))
    for (const { op, path, value } of patch) {
      const steps = path
        .split('/')
        .slice(1)
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
      const last = steps.pop() ?? ''
      const at = steps.reduce<unknown>((place, step) => (isTree(place) ? place[step] : undefined), job)
      if (!isTree(at)) invalid(`the path ${path} does not exist`)
      else if (op === 'test' && at[last] !== value) invalid(`testing value ${path} failed`)
      else if (op === 'replace' && !(last in at)) invalid(`the path ${path} does not exist`)
      else if (op !== 'test') at[last] = value
    }
    this.#store('jobs', job, 'MODIFIED')
    this.#control()
    return this.job(name)
  }

  deleteJob(name: string, only: { uid?: string; resourceVersion?: string } = {}): void {
    const { metadata } = this.job(name)
    if (only.uid !== undefined && only.uid !== metadata?.uid)
      refuse(409, 'Conflict', `the UID in the precondition (${only.uid}) does not match the UID in record`)
    if (only.resourceVersion !== undefined && only.resourceVersion !== metadata?.resourceVersion)
      refuse(409, 'Conflict', 'the ResourceVersion in the precondition does not match the one in record')
    this.#remove('jobs', name)
    this.#collect(metadata?.uid)
  }

  job(name: string): V1Job {
    return this.jobs.get(name) ?? refuse(404, 'NotFound', `jobs.batch "${name}" not found`)
  }

  /** The runner of this dispatch ends by itself. */
  finish(dispatch: string): void {
    const job = [...this.jobs.values()].find((one) => dispatchOf(one) === dispatch)
    if (job?.metadata?.name) this.#finish(job.metadata.name, 'Complete')
  }

  hinder(by: { reason: string; message: string }): void {
    this.hindrance = by
    for (const pod of [...this.pods.values()]) this.#bringUp(pod)
  }

  /** Pods that were hindered come up, or those that cannot be made can. */
  heal(): void {
    this.hindrance = null
    this.podRefusal = null
    for (const pod of [...this.pods.values()]) this.#bringUp(pod)
    this.#control()
  }

  compact(): void {
    this.compacted = this.version
    this.history.length = 0
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  /** A pod for each Job that may run and has none. */
  #control(): void {
    for (const job of [...this.jobs.values()]) {
      if (job.spec?.suspend || isOver(job) || this.#podOf(job)) continue
      if (this.podRefusal !== null) this.#tell(job, this.podRefusal)
      else this.#makePod(job)
    }
    for (const pod of [...this.pods.values()]) this.#bringUp(pod)
  }

  #makePod(job: V1Job): void {
    const { name = '', uid = '' } = job.metadata ?? {}
    const { metadata, spec } = job.spec?.template ?? {}
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }]
    this.create('pods', {
      metadata: { ...metadata, name: `${name}-${randomUUID().slice(0, 5)}`, ownerReferences },
      spec,
      status: { phase: 'Pending' },
    })
    this.#after((job.spec?.activeDeadlineSeconds ?? 1e6) * 1_000, () => this.#finish(name, 'Failed', uid))
  }

  /** Runs a pod whose Secret is there; with the others it waits, as the kubelet does. */
  #bringUp(pod: V1Pod): void {
    if (pod.status?.phase !== 'Pending') return
    const volume = pod.spec?.volumes?.find(({ secret }) => secret)
    const secret = this.secrets.get(volume?.secret?.secretName ?? '')
    if (this.hindrance) this.#wait(pod, this.hindrance)
    else if (!secret) this.#wait(pod, { reason: 'ContainerCreating', message: '' })
    else {
      const script = Buffer.from(secret.data?.['start.sh'] ?? '', 'base64').toString()
      this.started.push({ dispatch: dispatchOf(pod), script })
      this.#store('pods', { ...pod, status: { phase: 'Running' } }, 'MODIFIED')
    }
  }

  #wait(pod: V1Pod, waiting: { reason: string; message: string }): void {
    const unscheduled = waiting.reason === 'Unschedulable'
    const status = unscheduled
      ? { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', ...waiting }] }
      : {
          phase: 'Pending',
          containerStatuses: [
            { name: 'runner', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting } },
          ],
        }
    if (JSON.stringify(pod.status) !== JSON.stringify(status)) this.#store('pods', { ...pod, status }, 'MODIFIED')
  }

  #tell(job: V1Job, message: string): void {
    const { name = '', uid, namespace } = job.metadata ?? {}
    if (this.events.has(`${name}.1`)) return
    this.create('events', {
      metadata: { name: `${name}.1` },
      involvedObject: { kind: 'Job', name, uid, namespace },
      reason: 'FailedCreate',
      message,
      type: 'Warning',
    })
  }

  #finish(name: string, type: 'Complete' | 'Failed', uid?: string): void {
    const job = this.jobs.get(name)
    if (!job || isOver(job) || (uid !== undefined && job.metadata?.uid !== uid)) return
    const pod = this.#podOf(job)
    if (pod)
      this.#store('pods', { ...pod, status: { phase: type === 'Complete' ? 'Succeeded' : 'Failed' } }, 'MODIFIED')
    this.#store('jobs', { ...job, status: { conditions: [{ type, status: 'True' }] } }, 'MODIFIED')
    const ttl = job.spec?.ttlSecondsAfterFinished
    if (ttl !== undefined) this.#after(ttl * 1_000, () => this.jobs.get(name) === job && this.deleteJob(name))
  }

  #collect(uid: string | undefined): void {
    for (const kind of ['secrets', 'pods'] as const)
      for (const [name, { metadata }] of this.all(kind))
        if (metadata?.ownerReferences?.some((owner) => owner.uid === uid) && !(kind === 'pods' && this.lingering))
          this.#remove(kind, name)
  }

  #podOf(job: V1Job): V1Pod | undefined {
    return [...this.pods.values()].find(({ metadata }) =>
      metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid),
    )
  }

  #store(kind: Kind, object: Stored, type: 'ADDED' | 'MODIFIED'): void {
    const metadata: V1ObjectMeta = object.metadata ?? {}
    metadata.resourceVersion = String(++this.version)
    this.all(kind).set(metadata.name ?? '', object)
    this.#changed({ version: this.version, kind, type, object: structuredClone(object) })
  }

  #remove(kind: Kind, name: string): void {
    const object = structuredClone(this.all(kind).get(name))
    if (!object?.metadata) return
    object.metadata.resourceVersion = String(++this.version)
    this.all(kind).delete(name)
    this.#changed({ version: this.version, kind, type: 'DELETED', object })
  }

  #changed(change: Change): void {
    this.history.push(change)
    this.onChange(change)
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(act, Math.min(ms, 2 ** 31 - 1))
    timer.unref()
    this.#timers.add(timer)
  }
}

export function dispatchOf({ metadata }: Stored): string {
  return metadata?.labels?.['muster.internal/dispatch'] ?? ''
}

function isOver({ status }: V1Job): boolean {
  return (status?.conditions ?? []).length > 0
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
