import type { V1Job, V1Secret } from '@kubernetes/client-node'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import { annotationsOf, fitsLabel, jobName, labelsOf } from './marks.ts'
import type { KubernetesOptions } from './options.ts'
import { podTemplate } from './pod.ts'

/**
 * The Job of one runner. It is made suspended: no pod comes before the Secret that the pod mounts. The Secret's name stands in the Job, so
 * whoever goes on with a start that stopped half-way makes the same one; `nonce` keeps it apart from that of an earlier Job of this name.
 */
export function jobFor(owner: string, options: KubernetesOptions, request: LaunchRequest, nonce: string): V1Job {
  if (!fitsLabel(request.id)) throw new DispatchRefused(`the dispatch id "${request.id}" is no value of a label`)
  const name = jobName(owner, request.id)
  const labels = labelsOf(owner, request.id)
  const annotations = annotationsOf(owner, request)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels, annotations },
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      activeDeadlineSeconds: wholeSeconds(request.ttl, 1),
      ttlSecondsAfterFinished: wholeSeconds(options.ttlAfterFinished, 0),
      template: podTemplate(options, request, { labels, annotations, secretName: `${name}-${nonce}` }),
    },
  }
}

/** The Secret with the start script. It goes with its Job. */
export function secretFor(
  name: string,
  job: { name: string; uid: string },
  labels: Readonly<Record<string, string>>,
  script: string,
): V1Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    // Without blockOwnerDeletion, which would need a right to the Job's finalizers where that is enforced (OpenShift).
    metadata: { name, labels: { ...labels }, ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', ...job }] },
    type: 'Opaque',
    immutable: true,
    data: { 'start.sh': Buffer.from(script).toString('base64') },
  }
}

function wholeSeconds(ms: number, least: number): number {
  // A 32-bit number to the API.
  return Math.min(Math.max(least, Math.ceil(ms / 1_000)), 2 ** 31 - 1)
}
