import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { kubernetesFields, kubernetesOptions } from '../../../src/dispatchers/kubernetes/options.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import { someOptions } from './place.ts'

const folder = mkdtempSync(join(tmpdir(), 'muster-kubeconfig-'))
writeFileSync(join(folder, 'kubeconfig'), '{}')
afterAll(() => rmSync(folder, { recursive: true }))

const schema = mapping(kubernetesFields({ environment: {}, folder, secrets: [], files: [], warnings: [] }))
const read = (written: object) => kubernetesOptions(schema.parse(written))
const refusals = (written: object) =>
  schema.safeParse(written).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

test('nothing needs to be said in a cluster', () => {
  expect(read({})).toEqual(someOptions({ image: null }))
})

test('everything can be said', () => {
  expect(
    read({
      kubeconfig: 'kubeconfig',
      context: 'production',
      namespace: 'ci-runners',
      image: 'runner:1',
      command: ['my-runner', '--once'],
      env: { A: 'b' },
      service_account: 'builder',
      node_selector: { pool: 'ci' },
      tolerations: [{ key: 'ci', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 60 }],
      resources: { requests: { cpu: 2, memory: '4Gi' }, limits: { memory: '4Gi' } },
      dind: { privileged: true },
      image_pull_secrets: ['pull'],
      runtime_class: 'gvisor',
      priority_class: 'low',
      ttl_after_finished: '10m',
      pod_template: { spec: { hostNetwork: true } },
    }),
  ).toEqual({
    kubeconfig: join(folder, 'kubeconfig'),
    context: 'production',
    namespace: 'ci-runners',
    image: 'runner:1',
    command: ['my-runner', '--once'],
    env: { A: 'b' },
    serviceAccount: 'builder',
    nodeSelector: { pool: 'ci' },
    tolerations: [{ key: 'ci', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 60 }],
    resources: { requests: { cpu: '2', memory: '4Gi' }, limits: { memory: '4Gi' } },
    dind: { image: 'docker:dind', privileged: true },
    imagePullSecrets: ['pull'],
    runtimeClass: 'gvisor',
    priorityClass: 'low',
    ttlAfterFinished: 600_000,
    podTemplate: { spec: { hostNetwork: true } },
  })
})

test.each`
  written                                      | refusal
  ${{ kubeconfig: 'nowhere' }}                 | ${/^kubeconfig: expected a readable kubeconfig, found "nowhere"/}
  ${{ namespace: 'CI' }}                       | ${/^namespace: expected the name of a namespace, found "CI"/}
  ${{ tolerations: [{ operator: 'exists' }] }} | ${/^tolerations\.0\.operator: expected Exists, Equal, found "exists"/}
  ${{ resources: { request: {} } }}            | ${/^resources\.request: .*did you mean "requests"/}
  ${{ dind: true }}                            | ${/^dind: expected a mapping, found a boolean/}
  ${{ dind: { privileged: 'yes' } }}           | ${/^dind\.privileged: expected true or false/}
  ${{ pod_template: [] }}                      | ${/^pod_template: expected a mapping/}
  ${{ node_selector: { pool: true } }}         | ${/^node_selector\.pool: expected the value of a label/}
`('$written is refused', ({ written, refusal }) => {
  expect(refusals(written)).toEqual([expect.stringMatching(refusal)])
})
