import type { Clock } from '../../clock.ts'
import { createDeadlines } from '../deadlines.ts'
import { reason } from '../reason.ts'
import type { Cluster } from './cluster.ts'
import { faultOf } from './faults.ts'
import { takeBack } from './launch.ts'
import { jobName, selectorOf } from './marks.ts'
import {
  dispatchOf,
  hasFinished,
  hindrance,
  isBegun,
  mayRun,
  type SeenJob,
  seenEvent,
  seenJob,
  seenPod,
} from './seen.ts'
import { type Follower, follow } from './stream.ts'

/** A pod that does not come up for so long is told of. Milliseconds. */
const patience = 30_000
/** A start is over within a minute; one that stands half-way for so long is nobody's any more. Milliseconds. */
const abandonedAfter = 5 * 60_000

export interface LookoutPorts {
  cluster: Cluster
  owner: string
  clock: Clock
  note: (sentence: string) => void
  closing: AbortSignal
  onEnd: () => void
}

/**
 * Follows what is ours on the cluster until `closing`: tells of ends, of pods that do not come up (once for each dispatch, in the words of
 * Kubernetes), and removes Jobs whose start stopped half-way.
 */
export async function lookOut({ cluster, owner, clock, note, closing, onEnd }: LookoutPorts): Promise<void> {
  /** Unfinished Jobs by uid, with their dispatch. */
  const known = new Map<string, string>()
  const hindered = new Map<string, string>()
  const told = new Set<string>()
  const hindrances = createDeadlines(clock, async (id) => tell(id))
  const abandoned = createDeadlines(clock, remove)

  const jobs: Follower = {
    listed(objects) {
      const present = objects.map(seenJob).filter((job) => job !== null)
      const uids = new Set(present.map(({ metadata }) => metadata.uid))
      for (const uid of [...known.keys()].filter((uid) => !uids.has(uid))) ended(uid)
      for (const job of present) seen(job)
    },
    changed(object, how) {
      const job = seenJob(object)
      if (job && how === 'deleted') ended(job.metadata.uid)
      else if (job) seen(job)
    },
    failed: broken('jobs'),
  }

  const pods: Follower = {
    listed(objects) {
      for (const object of objects) pods.changed(object, 'there')
    },
    changed(object, how) {
      const pod = seenPod(object)
      const id = pod && dispatchOf(pod, owner)
      if (pod && id) hinder(id, how === 'there' && mayRun(pod) ? hindrance(pod) : null)
    },
    failed: broken('pods'),
  }

  // Where no pod can even be made (a quota, a service account that is not there) only an event of the Job says why.
  const events: Follower = {
    listed(objects) {
      for (const object of objects) events.changed(object, 'there')
    },
    changed(object, how) {
      const event = seenEvent(object)
      const id = event && known.get(event.involvedObject.uid)
      if (event && id && how === 'there') hinder(id, `${event.reason}: ${event.message}`)
    },
    failed: broken('events'),
  }

  const ours = { labelSelector: selectorOf(owner) }
  const failedPods = { fieldSelector: 'involvedObject.kind=Job,reason=FailedCreate' }
  const ports = { cluster, clock, closing }
  await Promise.all([
    follow('jobs', ours, jobs, ports),
    follow('pods', ours, pods, ports),
    follow('events', failedPods, events, ports),
  ])
  hindrances.close()
  abandoned.close()

  function seen(job: SeenJob): void {
    const id = dispatchOf(job, owner)
    if (id === null) return
    const { uid } = job.metadata
    if (hasFinished(job)) {
      ended(uid)
      return
    }
    known.set(uid, id)
    if (isBegun(job)) abandoned.keep(id, clock.now() + abandonedAfter)
    else abandoned.forget(id)
  }

  function ended(uid: string): void {
    const id = known.get(uid)
    if (id === undefined) return
    known.delete(uid)
    hinder(id, null)
    abandoned.forget(id)
    told.delete(id)
    onEnd()
  }

  function hinder(id: string, why: string | null): void {
    if (why === null) {
      hindered.delete(id)
      hindrances.forget(id)
    } else if (!told.has(id)) {
      hindered.set(id, why)
      hindrances.keep(id, clock.now() + patience)
    }
  }

  function tell(id: string): void {
    const why = hindered.get(id)
    if (why === undefined || ![...known.values()].includes(id)) return
    told.add(id)
    note(reason(`the runner of Job ${jobName(owner, id)} does not come up: ${why}`))
  }

  async function remove(id: string): Promise<void> {
    await takeBack(jobName(owner, id), { cluster, owner, signal: closing })
  }

  function broken(what: string): (error: unknown) => void {
    return (error) =>
      note(reason(`the ${what} in the namespace ${cluster.namespace} cannot be followed: ${faultOf(error).message}`))
  }
}
