import type { V1Container, V1PodTemplateSpec, V1ResourceRequirements } from '@kubernetes/client-node'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import { type MachineType, machineType } from '../machine-type.ts'
import { merged } from './merge.ts'
import type { Dind, KubernetesOptions, Resources } from './options.ts'
import { scriptVolume } from './seen.ts'

/** The container that the runner is in; what a `pod_template` says of one of this name is said of it. */
export const runnerContainer = 'runner'
const dindContainer = 'dind'

const scriptFolder = '/muster'
const socketFolder = '/run/muster-dind'
const socket = `unix://${socketFolder}/docker.sock`
/** Every process of the pod is in it, so that a runner which is not root may use the socket. It is "docker" in the image of Docker. */
const socketGroup = 2375

export interface PodWish {
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  /** The Secret with the start script under the key `start.sh`. */
  secretName: string
}

/** The pod of one runner: what is usual, under it the user's template, upon both what must be so. */
export function podTemplate(options: KubernetesOptions, request: LaunchRequest, wish: PodWish): V1PodTemplateSpec {
  // The API server judges what the user's template says; `unknownFields` has seen to its keys.
  return merged(merged(usual, options.podTemplate), demanded(options, request, wish)) as V1PodTemplateSpec
}

const usual: V1PodTemplateSpec = {
  metadata: {
    annotations: {
      // A runner at work is not moved elsewhere to save a node.
      'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
      'karpenter.sh/do-not-disrupt': 'true',
    },
  },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    containers: [],
  },
}

function demanded(options: KubernetesOptions, request: LaunchRequest, wish: PodWish): V1PodTemplateSpec {
  const machine = machineType(request.machineType)
  const { dind, serviceAccount, runtimeClass, priorityClass } = options
  const nodeSelector = { ...options.nodeSelector, ...placed(machine) }
  return {
    metadata: { labels: { ...wish.labels }, annotations: { ...wish.annotations } },
    spec: {
      restartPolicy: 'Never',
      ...(serviceAccount !== null && { serviceAccountName: serviceAccount }),
      ...(runtimeClass !== null && { runtimeClassName: runtimeClass }),
      ...(priorityClass !== null && { priorityClassName: priorityClass }),
      ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
      ...(options.tolerations.length > 0 && { tolerations: [...options.tolerations] }),
      ...(options.imagePullSecrets.length > 0 && {
        imagePullSecrets: options.imagePullSecrets.map((name) => ({ name })),
      }),
      volumes: [
        // Readable for every user of the pod: images run their runner as whom they like.
        { name: scriptVolume, secret: { secretName: wish.secretName, defaultMode: 0o444 } },
        ...(dind === null ? [] : [{ name: dindContainer, emptyDir: {} }]),
      ],
      ...(dind !== null && {
        securityContext: { supplementalGroups: [socketGroup] },
        initContainers: [daemon(dind)],
      }),
      containers: [runner(imageFor(options, request), dind, resources(options.resources, machine))],
    },
  }
}

function runner(image: string, dind: Dind | null, wanted: V1ResourceRequirements | null): V1Container {
  return {
    name: runnerContainer,
    image,
    command: ['/bin/sh', `${scriptFolder}/start.sh`],
    ...(dind !== null && { env: [{ name: 'DOCKER_HOST', value: socket }] }),
    ...(wanted !== null && { resources: wanted }),
    volumeMounts: [
      { name: scriptVolume, mountPath: scriptFolder, readOnly: true },
      ...(dind === null ? [] : [{ name: dindContainer, mountPath: socketFolder }]),
    ],
  }
}

// A sidecar of Kubernetes' own kind (an init container that restarts; on by default since 1.29): it is up before the runner starts and is
// ended after it. A second ordinary container would keep the pod, and so the Job, alive until the ttl.
function daemon({ image, privileged }: Dind): V1Container {
  return {
    name: dindContainer,
    image,
    restartPolicy: 'Always',
    command: ['dockerd-entrypoint.sh', 'dockerd', `--host=${socket}`, `--group=${socketGroup}`],
    startupProbe: {
      exec: { command: ['docker', `--host=${socket}`, 'version'] },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: 60,
    },
    ...(privileged && { securityContext: { privileged: true } }),
    volumeMounts: [{ name: dindContainer, mountPath: socketFolder }],
  }
}

function imageFor(options: KubernetesOptions, request: LaunchRequest): string {
  const image = request.image ?? options.image ?? templateImage(options)
  if (image === null)
    throw new DispatchRefused('no image is known for this runner: set "image" in its target or in the dispatcher')
  return image
}

function templateImage({ podTemplate: template }: KubernetesOptions): string | null {
  const { spec } = template as V1PodTemplateSpec
  return spec?.containers?.find(({ name }) => name === runnerContainer)?.image ?? null
}

function resources(own: Resources | null, machine: MachineType | null): V1ResourceRequirements | null {
  if (machine === null) return own && { requests: { ...own.requests }, limits: { ...own.limits } }
  const size = { cpu: String(machine.cpus), memory: quantity(machine.memory) }
  // What a machine_type does not speak of (ephemeral-storage, a GPU) stays as the options have it.
  return { requests: { ...own?.requests, ...size }, limits: { ...own?.limits, ...size } }
}

const mebibyte = 1024 ** 2

function quantity(bytes: number): string {
  return bytes % mebibyte === 0 ? `${bytes / mebibyte}Mi` : String(bytes)
}

function placed(machine: MachineType | null): Record<string, string> {
  if (!machine?.platform) return {}
  const { os, arch } = machine.platform
  if (os !== 'linux') throw new DispatchRefused(`a runner on ${os} cannot be started: its pod begins with /bin/sh`)
  return { 'kubernetes.io/os': os, 'kubernetes.io/arch': arch }
}
