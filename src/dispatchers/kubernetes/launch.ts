import { randomBytes } from 'node:crypto'
import type { V1Job } from '@kubernetes/client-node'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { existsAlready, isAnother, isGone, unless } from './faults.ts'
import { secretFor } from './job.ts'
import { marks } from './marks.ts'
import { dispatchOf, isBegun, type SeenJob, secretOf, seenJob } from './seen.ts'

export interface LaunchPorts {
  cluster: Cluster
  owner: string
  signal: AbortSignal
  /** What a failed call means for the dispatch. */
  outcome: (error: unknown, doing: string) => Error
}

/** Sets a Secret's name apart from that of an earlier Job of the same name. */
export function freshNonce(): string {
  return randomBytes(5).toString('hex')
}

/**
 * A start is three writes, and each may be the last one that a process makes:
 * 1. the Job, suspended: it runs nothing, whoever asks again finds it by its name and goes on, and one that nobody goes on with is
 *    removed after a while;
 * 2. the Secret, owned by that Job (by its uid): when the Job goes, it goes;
 * 3. the Job is let begin, and marked so in the same write: only now does a pod come.
 * What is there already is taken for done. A refusal on the way takes the Job back, so that nothing is left of it.
 * Rejects with the outcome of the dispatch.
 */
export async function begin(wanted: { job: V1Job; script: string }, ports: LaunchPorts): Promise<void> {
  const { cluster, signal, outcome } = ports
  const job = await claimed(wanted.job, ports)
  if (!isBegun(job)) return
  const { name, uid, labels = {} } = job.metadata
  try {
    const secret = secretFor(secretName(job), { name, uid }, labels, wanted.script)
    await doing('making the Secret', existing(cluster.createSecret(secret, signal)))
    await doing('letting the Job begin', cluster.patchJob(name, letBegin(uid), signal))
  } catch (error) {
    if (!(error instanceof DispatchRefused)) throw error
    // With a time of its own: the caller may have none left. Where this fails, the lookout does it later.
    await takeBack(name, { ...ports, signal: AbortSignal.timeout(5_000) }, uid).catch(() => undefined)
    throw error
  }

  function doing(what: string, call: Promise<unknown>): Promise<unknown> {
    return call.catch((error: unknown) => Promise.reject(outcome(error, what)))
  }
}

/** Removes the Job of a start that stopped half-way. Whoever goes on with it just then is not disturbed: the version says so. `only` is its uid, where that is known. */
export async function takeBack(
  name: string,
  { cluster, owner, signal }: Pick<LaunchPorts, 'cluster' | 'owner' | 'signal'>,
  only?: string,
): Promise<void> {
  const job = await cluster.readJob(name, signal).then(seenJob, unless(isGone))
  if (!job || dispatchOf(job, owner) === null || !isBegun(job)) return
  const { uid, resourceVersion } = job.metadata
  if (only !== undefined && uid !== only) return
  await cluster.deleteJob(name, { uid, resourceVersion }, signal).catch(unless(isGone, isAnother))
}

/** The Job of this name, made now or before; rejects one of another owner. */
async function claimed(wanted: V1Job, { cluster, owner, signal, outcome }: LaunchPorts): Promise<SeenJob> {
  const name = wanted.metadata?.name ?? ''
  const found = await cluster.createJob(wanted, signal).catch((error: unknown) => {
    if (!existsAlready(error)) throw outcome(error, 'making the Job')
    return cluster.readJob(name, signal).catch((lost: unknown) => {
      if (isGone(lost)) throw new DispatchUnknown(`the Job ${name} went while it was read`)
      throw outcome(lost, `reading the Job ${name}`)
    })
  })
  const job = seenJob(found)
  if (!job) throw new DispatchUnknown(`the API server answered with something that is no Job ${name}`)
  if (dispatchOf(job, owner) === null)
    throw new DispatchRefused(
      `the Job ${name} belongs to ${job.metadata.annotations?.[marks.owner] ?? 'somebody else'}, not to the owner "${owner}"`,
    )
  if (isBegun(job) && job.metadata.deletionTimestamp !== undefined)
    throw new DispatchUnknown(`the Job ${name} of an earlier try is just being deleted`)
  return job
}

function secretName(job: SeenJob): string {
  const name = secretOf(job)
  if (name === null) throw new DispatchRefused(`the Job ${job.metadata.name} was changed: it mounts no start script`)
  return name
}

// The uid makes sure that a Job which was made anew under this name is not meant.
function letBegin(uid: string): object[] {
  const mark = marks.started.replace('/', '~1')
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    { op: 'add', path: `/metadata/annotations/${mark}`, value: 'true' },
    { op: 'replace', path: '/spec/suspend', value: false },
  ]
}

async function existing(making: Promise<void>): Promise<void> {
  await making.catch((error: unknown) => (existsAlready(error) ? undefined : Promise.reject(error)))
}
