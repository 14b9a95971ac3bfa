import type { Finding } from '../../core/finding.ts'
import { Scrubber } from '../../secret.ts'
import { reason } from '../reason.ts'
import type { Cluster } from './cluster.ts'
import { faultOf } from './faults.ts'
import { labelsOf } from './marks.ts'
import type { KubernetesOptions } from './options.ts'
import { permissions } from './permissions.ts'
import { podTemplate } from './pod.ts'

interface Asked {
  options: KubernetesOptions
  owner: string
  signal: AbortSignal
}

/** Native sidecars are on by default from 1.29 on; Kubernetes itself keeps the last three versions. */
const leastMinor = 29

/** What is wrong with a cluster for this dispatcher. Starts nothing: the one write is a trial that the API server does not keep. */
export async function checkCluster(opened: Promise<Cluster>, asked: Asked): Promise<readonly Finding[]> {
  try {
    const cluster = await opened
    const reached = await reachable(cluster, asked)
    if (reached.some(({ level }) => level === 'problem')) return reached
    const [permitted, accepted] = await Promise.all([permittedThere(cluster, asked), trial(cluster, asked)])
    return [...reached, ...permitted, ...accepted, ...doubtful(cluster, asked.options)]
  } catch (error) {
    const fix = 'see that "kubeconfig" and "context" name a cluster, or leave both out where Muster runs in one'
    return [{ level: 'problem', check: 'cluster_configured', message: reason(faultOf(error).message), fix }]
  }
}

async function reachable(cluster: Cluster, { signal }: Asked): Promise<Finding[]> {
  const check = 'cluster_reachable'
  try {
    const { major, minor, gitVersion } = await cluster.version(signal)
    const old = Number(major) === 1 && Number.parseInt(minor, 10) < leastMinor
    const message = `The API server ${cluster.server} is Kubernetes ${gitVersion}.`
    if (!old) return [{ level: 'good', check, message, fix: null }]
    const fix = `use 1.${leastMinor} or later: "dind" needs it, and it is the oldest that this kind was made for`
    return [{ level: 'warning', check, message, fix }]
  } catch (error) {
    const message = told(cluster, `The API server ${cluster.server} cannot be reached: ${faultOf(error).message}`)
    return [{ level: 'problem', check, message, fix: 'see to its address, its certificate and the network' }]
  }
}

async function permittedThere(cluster: Cluster, { signal }: Asked): Promise<Finding[]> {
  const check = 'permissions'
  const wanted = permissions.flatMap(({ group, resource, verbs }) => verbs.map((verb) => ({ group, resource, verb })))
  try {
    const answers = await Promise.all(
      wanted.map(async (right) => ({
        ...right,
        allowed: await cluster.mayI(right.verb, right.group, right.resource, signal),
      })),
    )
    const lacking = answers.filter(({ allowed }) => !allowed).map(({ verb, resource }) => `${verb} ${resource}`)
    if (lacking.length === 0)
      return [{ level: 'good', check, message: `All that is needed is permitted in ${cluster.namespace}.`, fix: null }]
    const message = `In the namespace ${cluster.namespace} we may not: ${lacking.join(', ')}.`
    return [
      { level: 'problem', check, message, fix: 'apply deploy/kubernetes/rbac.yaml for our user or service account' },
    ]
  } catch (error) {
    const message = told(cluster, `What is permitted cannot be asked: ${faultOf(error).message}`)
    return [{ level: 'warning', check, message, fix: null }]
  }
}

/** A Job as it would be sent, which the API server judges and drops: the namespace, quotas, admission rules, the template. */
async function trial(cluster: Cluster, { options, owner, signal }: Asked): Promise<Finding[]> {
  const check = 'job_accepted'
  const [unknown] = cluster.unknownFields(options.podTemplate)
  if (unknown !== undefined) {
    const message = `pod_template.${unknown} is no field of a PodTemplateSpec.`
    return [
      { level: 'problem', check, message, fix: 'see to its spelling: Kubernetes writes names as in "nodeSelector"' },
    ]
  }
  try {
    await cluster.createJob(sample(options, owner), signal, 'trial')
    return [{ level: 'good', check, message: `The namespace ${cluster.namespace} takes our Jobs.`, fix: null }]
  } catch (error) {
    const { status, message } = faultOf(error)
    const fix = status === 404 ? `make the namespace, or set "namespace" to one that exists` : null
    return [{ level: 'problem', check, message: told(cluster, `A Job is not taken: ${message}`), fix }]
  }
}

function sample(options: KubernetesOptions, owner: string) {
  const labels = labelsOf(owner, 'trial')
  const request = {
    id: 'trial',
    instance: '',
    target: '',
    name: 'trial',
    labels: [],
    ttl: 0,
    machineType: null,
    image: options.image ?? 'trial',
    env: {},
    scope: { level: 'instance' as const, owner: null, name: null },
    job: null,
    about: null,
    credential: null,
  }
  const template = podTemplate(options, request, { labels, annotations: {}, secretName: 'muster-trial' })
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: 'muster-trial-', labels },
    spec: { suspend: true, backoffLimit: 0, template },
  }
}

function doubtful(cluster: Cluster, { dind, runtimeClass }: KubernetesOptions): Finding[] {
  if (!dind || dind.privileged || runtimeClass !== null) return []
  const message = `The Docker daemon beside each runner in ${cluster.namespace} is not privileged, and most cannot run so.`
  return [
    {
      level: 'warning',
      check: 'dind',
      message,
      fix: 'set "dind.privileged: true", or a "runtime_class" such as sysbox',
    },
  ]
}

function told(cluster: Cluster, text: string): string {
  const scrubber = new Scrubber()
  for (const secret of cluster.secrets) scrubber.add(secret)
  return reason(text, scrubber)
}
