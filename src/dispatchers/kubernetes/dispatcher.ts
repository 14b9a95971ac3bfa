import { Scrubber } from '../../secret.ts'
import type { Dispatcher, DispatcherContext, DispatcherType, Launched, LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused, DispatchUnknown } from '../errors.ts'
import { reason } from '../reason.ts'
import { secretsOf } from '../recipe.ts'
import { startScript } from '../start-script.ts'
import { checkCluster } from './check.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { faultOf, isAnother, isGone, outcomeOf, sentence, unless } from './faults.ts'
import { jobFor } from './job.ts'
import { begin, freshNonce } from './launch.ts'
import { lookOut } from './lookout.ts'
import { jobName, selectorOf } from './marks.ts'
import type { KubernetesOptions } from './options.ts'
import { dispatchOf, hasFinished, mayRun, type SeenJob, type SeenPod, seenJob, seenPod } from './seen.ts'

/** Each runner as a Job of a Kubernetes cluster. Kubernetes keeps its `ttl` and clears up after it, whether we live or not. */
export const kubernetes: DispatcherType<KubernetesOptions> = { kind: 'kubernetes', create }

function create(options: KubernetesOptions, { owner, clock, note }: DispatcherContext): Dispatcher {
  const closing = new AbortController()
  const starting = new Map<string, Promise<Launched>>()
  /** Dispatches of which an earlier try may have started the runner. */
  const doubted = new Set<string>()
  const listeners: (() => void)[] = []
  const opened = openCluster(options)
  const lookout = opened.then(
    (cluster) =>
      lookOut({
        cluster,
        owner,
        clock,
        note,
        closing: closing.signal,
        onEnd: () => {
          for (const listener of listeners) listener()
        },
      }),
    (error: unknown) => note(reason(faultOf(error).message)),
  )
  const untilClosed = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal])

  return {
    kind: 'kubernetes',
    traits: { credentials: 'ours', names: true, askAgain: true, stops: true, lists: true, local: false },

    launch(request, signal) {
      const known = starting.get(request.id)
      if (known !== undefined) return known
      const start = surely(request.id, launch(request, untilClosed(signal))).finally(() => starting.delete(request.id))
      starting.set(request.id, start)
      return start
    },

    async running(signal) {
      const cluster = await opened
      const selection = { labelSelector: selectorOf(owner) }
      const [jobs, pods] = await toldPlainly('listing the Jobs and their pods', cluster, () =>
        Promise.all([
          cluster.list('jobs', selection, untilClosed(signal)),
          cluster.list('pods', selection, untilClosed(signal)),
        ]),
      )
      return living(jobs.items.map(seenJob), pods.items.map(seenPod))
    },

    async stop(id, signal) {
      await starting.get(id)?.catch(() => undefined)
      const cluster = await opened
      await toldPlainly(`ending the Job ${jobName(owner, id)}`, cluster, () => stop(cluster, id, untilClosed(signal)))
    },

    onEnd: (listener) => void listeners.push(listener),

    check: (signal) => checkCluster(opened, { options, owner, signal: untilClosed(signal) }),

    async close() {
      closing.abort()
      await Promise.allSettled([lookout, ...starting.values()])
    },
  }

  /** A refusal speaks of one try. After one whose outcome is unknown it does not prove that nothing runs (a full quota, an API server that went down). */
  async function surely(id: string, start: Promise<Launched>): Promise<Launched> {
    try {
      const launched = await start
      doubted.delete(id)
      return launched
    } catch (error) {
      if (error instanceof DispatchUnknown) doubted.add(id)
      else if (doubted.has(id))
        throw new DispatchUnknown(reason(`after a try of unknown outcome: ${faultOf(error).message}`))
      throw error
    }
  }

  async function launch(request: LaunchRequest, signal: AbortSignal): Promise<Launched> {
    const { credential } = request
    if (signal.aborted) throw new DispatchRefused('the start was given up before it began')
    if (!credential) throw new DispatchRefused('there is no credential for this runner')
    const cluster = await opened.catch((error: unknown) => {
      throw new DispatchRefused(reason(faultOf(error).message))
    })
    const scrubber = new Scrubber()
    for (const secret of [...secretsOf(credential), ...cluster.secrets]) scrubber.add(secret)
    checkTemplate(cluster)
    const env = { ...options.env, ...request.env }
    const { script } = startScript({ ...request, env }, credential, options.command)
    const job = jobFor(owner, options, request, freshNonce())
    const outcome = (error: unknown, doing: string) => outcomeOf(error, doing, { now: clock.now(), scrubber })
    await begin({ job, script }, { cluster, owner, signal, outcome })
    return { name: request.name }
  }

  function checkTemplate(cluster: Cluster): void {
    const [unknown] = cluster.unknownFields(options.podTemplate)
    if (unknown !== undefined)
      throw new DispatchRefused(`pod_template.${unknown} is no field of a PodTemplateSpec: see its spelling`)
  }

  async function stop(cluster: Cluster, id: string, signal: AbortSignal): Promise<void> {
    const name = jobName(owner, id)
    const job = await cluster.readJob(name, signal).then(seenJob, unless(isGone))
    if (!job || dispatchOf(job, owner) !== id) return
    // The uid: one that was made anew under this name is not hit. Then the one that was meant has gone.
    await cluster.deleteJob(name, { uid: job.metadata.uid }, signal).catch(unless(isGone, isAnother))
  }

  /** Jobs that are not over, and pods that outlive theirs for the seconds of their end. */
  function living(jobs: readonly (SeenJob | null)[], pods: readonly (SeenPod | null)[]) {
    const alive = [
      ...jobs.filter((job) => job !== null).filter((job) => !hasFinished(job)),
      ...pods.filter((pod) => pod !== null).filter(mayRun),
    ]
    const dispatches = new Set(alive.map((object) => dispatchOf(object, owner)).filter((id) => id !== null))
    return { complete: [...jobs, ...pods].every((object) => object !== null), dispatches: [...dispatches].sort() }
  }

  /** A call that fails does so with one sentence. */
  async function toldPlainly<T>(doing: string, cluster: Cluster, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      const scrubber = new Scrubber()
      for (const secret of cluster.secrets) scrubber.add(secret)
      throw new Error(reason(sentence(faultOf(error), doing), scrubber))
    }
  }
}
