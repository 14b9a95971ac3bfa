import { expect, test } from 'vitest'
import type { LaunchRequest } from '../../../src/dispatchers/dispatcher.ts'
import { jobFor } from '../../../src/dispatchers/kubernetes/job.ts'
import type { KubernetesOptions } from '../../../src/dispatchers/kubernetes/options.ts'
import { aRequest } from '../contract.ts'
import { someOptions } from './place.ts'
import { wrongFields } from './schema.ts'

const made = (options: Partial<KubernetesOptions> = {}, request: Partial<LaunchRequest> = {}) => {
  const job = jobFor('muster', someOptions(options), aRequest({ id: 'd1', ...request }), 'f00')
  expect(wrongFields(job, 'V1Job')).toEqual([])
  return job
}
const podOf = (...how: Parameters<typeof made>) => made(...how).spec?.template.spec
const runnerOf = (...how: Parameters<typeof made>) => podOf(...how)?.containers.find(({ name }) => name === 'runner')

test('a Job runs one runner once, and no longer than its ttl', () => {
  expect(made({ ttlAfterFinished: 60_000 }, { ttl: 90_500 })).toMatchObject({
    metadata: { name: 'muster-d1', labels: { 'muster.internal/owner': 'muster', 'muster.internal/dispatch': 'd1' } },
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      activeDeadlineSeconds: 91,
      ttlSecondsAfterFinished: 60,
      template: { spec: { restartPolicy: 'Never' } },
    },
  })
})

test.each`
  ttl          | seconds
  ${1}         | ${1}
  ${1_000}     | ${1}
  ${1_200_000} | ${1_200}
`('a ttl of $ttl ms is $seconds whole seconds', ({ ttl, seconds }) => {
  expect(made({}, { ttl }).spec?.activeDeadlineSeconds).toBe(seconds)
})

test('a Job and its pod say whose they are and what for', () => {
  const { metadata, spec } = made()
  expect(metadata?.annotations).toEqual({
    'muster.internal/owner': 'muster',
    'muster.internal/instance': 'main',
    'muster.internal/target': 'linux',
    'muster.internal/labels': 'linux:host',
    'muster.internal/job': 'main/42',
    'muster.internal/repository': 'acme/widgets',
    'muster.internal/run': '7',
  })
  expect(spec?.template.metadata?.annotations).toMatchObject(metadata?.annotations ?? {})
  expect(spec?.template.metadata?.labels).toEqual(metadata?.labels)
})

test('a pod runs the script of its Secret, with no rights and no token', () => {
  expect(podOf()).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [{ name: 'muster-start', secret: { secretName: 'muster-d1-f00' } }],
    containers: [
      {
        name: 'runner',
        image: 'runner:1',
        command: ['/bin/sh', '/muster/start.sh'],
        volumeMounts: [{ name: 'muster-start', mountPath: '/muster', readOnly: true }],
      },
    ],
  })
  expect(JSON.stringify(podOf())).not.toContain('privileged')
})

test.each`
  target        | options       | template      | image
  ${'target:1'} | ${'option:1'} | ${'template'} | ${'target:1'}
  ${null}       | ${'option:1'} | ${'template'} | ${'option:1'}
  ${null}       | ${null}       | ${'template'} | ${'template'}
`('of the images $target, $options and $template it takes $image', ({ target, options, template, image }) => {
  const podTemplate = { spec: { containers: [{ name: 'runner', image: template }] } }
  expect(runnerOf({ image: options, podTemplate }, { image: target })?.image).toBe(image)
})

test('without any image nothing is started, and it says where to name one', () => {
  expect(() => made({ image: null })).toThrow(/set "image" in its target or in the dispatcher/)
})

test('a machine_type is what a runner gets and may use, beside what the options add', () => {
  const resources = { requests: { cpu: '1', 'ephemeral-storage': '10Gi' }, limits: {} }
  expect(runnerOf({ resources }, { machineType: '2x4' })?.resources).toEqual({
    requests: { cpu: '2', memory: '4096Mi', 'ephemeral-storage': '10Gi' },
    limits: { cpu: '2', memory: '4096Mi' },
  })
  expect(runnerOf({ resources })?.resources).toEqual(resources)
  expect(runnerOf()?.resources).toBeUndefined()
})

test('a machine_type with a platform chooses the node, and Windows is refused', () => {
  expect(podOf({ nodeSelector: { pool: 'ci' } }, { machineType: 'linux/arm64:2x4' })?.nodeSelector).toEqual({
    pool: 'ci',
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'arm64',
  })
  expect(() => made({}, { machineType: 'windows/amd64:8x16' })).toThrow(/windows cannot be started/)
  expect(() => made({}, { machineType: 'large' })).toThrow(/machine_type "large" is not one/)
})

test('the options stand where Kubernetes has them', () => {
  const pod = podOf({
    serviceAccount: 'builder',
    tolerations: [{ key: 'ci', operator: 'Exists', effect: 'NoSchedule' }],
    imagePullSecrets: ['pull'],
    runtimeClass: 'gvisor',
    priorityClass: 'low',
  })
  expect(pod).toMatchObject({
    serviceAccountName: 'builder',
    automountServiceAccountToken: false,
    tolerations: [{ key: 'ci', operator: 'Exists', effect: 'NoSchedule' }],
    imagePullSecrets: [{ name: 'pull' }],
    runtimeClassName: 'gvisor',
    priorityClassName: 'low',
  })
})

// A second ordinary container would keep the pod, and so the Job, alive after the runner.
test('a Docker daemon is a sidecar that ends with the runner, and privileged only when said', () => {
  const pod = podOf({ dind: { image: 'docker:dind', privileged: false } })
  expect(pod?.initContainers).toMatchObject([{ name: 'dind', image: 'docker:dind', restartPolicy: 'Always' }])
  expect(pod?.containers).toHaveLength(1)
  expect(JSON.stringify(pod)).not.toContain('privileged')
  expect(pod?.containers[0]?.env).toEqual([{ name: 'DOCKER_HOST', value: 'unix:///run/muster-dind/docker.sock' }])
  // For runners that are not root.
  expect(pod?.securityContext?.supplementalGroups).toEqual([2375])
  expect(pod?.initContainers?.[0]?.command).toContain('--group=2375')
  const said = podOf({ dind: { image: 'docker:dind', privileged: true } })
  expect(said?.initContainers?.[0]?.securityContext).toEqual({ privileged: true })
})

test('a pod_template is laid under ours', () => {
  const podTemplate = {
    metadata: {
      labels: { team: 'ci', 'muster.internal/owner': 'somebody' },
      annotations: { 'karpenter.sh/do-not-disrupt': 'false' },
    },
    spec: {
      restartPolicy: 'OnFailure',
      automountServiceAccountToken: true,
      volumes: [{ name: 'cache', emptyDir: {} }],
      containers: [
        {
          name: 'runner',
          command: ['sleep'],
          volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
          securityContext: { runAsUser: 1001 },
        },
        { name: 'proxy', image: 'proxy:1' },
      ],
    },
  }
  const { spec } = made({ podTemplate })
  expect(spec?.template).toMatchObject({
    metadata: {
      labels: { team: 'ci', 'muster.internal/owner': 'muster' },
      annotations: {
        'karpenter.sh/do-not-disrupt': 'false',
        'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
      },
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: true,
      volumes: [{ name: 'cache' }, { name: 'muster-start' }],
      containers: [
        {
          name: 'runner',
          image: 'runner:1',
          command: ['/bin/sh', '/muster/start.sh'],
          securityContext: { runAsUser: 1001 },
          volumeMounts: [{ mountPath: '/cache' }, { mountPath: '/muster' }],
        },
        { name: 'proxy' },
      ],
    },
  })
})
