import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import type { KubernetesOptions } from '../../../src/dispatchers/kubernetes/options.ts'
import { never } from '../contract.ts'
import { token } from './api-server.ts'
import { aCluster, type KubernetesPlace, kubeconfigFor } from './place.ts'

let place: KubernetesPlace
let dispatcher: Dispatcher | null = null
beforeEach(async () => {
  place = await aCluster()
})
afterEach(async () => {
  await dispatcher?.close?.()
  await place.close()
})

const findings = (options: Partial<KubernetesOptions> = {}) => {
  dispatcher = place.dispatcher('muster', options)
  return dispatcher.check?.(never)
}

test('a cluster that is as it should be', async () => {
  expect(await findings()).toEqual([
    { level: 'good', check: 'cluster_reachable', message: expect.stringContaining('Kubernetes v1.33.4'), fix: null },
    { level: 'good', check: 'permissions', message: expect.stringContaining('in ci'), fix: null },
    { level: 'good', check: 'job_accepted', message: expect.stringContaining('takes our Jobs'), fix: null },
  ])
  expect(place.api.cluster.jobs.size).toBe(0)
})

test('an old Kubernetes', async () => {
  place.api.runs('v1.27.3')
  expect(await findings()).toContainEqual({
    level: 'warning',
    check: 'cluster_reachable',
    message: expect.stringContaining('v1.27.3'),
    fix: expect.stringContaining('1.29 or later'),
  })
})

test('an API server that is not there, without its credential', async () => {
  await writeFile(place.kubeconfig, kubeconfigFor('http://127.0.0.1:1'))
  const found = await findings()
  expect(found).toMatchObject([{ level: 'problem', check: 'cluster_reachable', fix: expect.any(String) }])
  expect(JSON.stringify(found)).not.toContain(token)
})

test('rights that are lacking, all at once', async () => {
  place.api.denied.add('create secrets').add('watch pods')
  expect(await findings()).toContainEqual({
    level: 'problem',
    check: 'permissions',
    message: 'In the namespace ci we may not: create secrets, watch pods.',
    fix: expect.stringContaining('rbac.yaml'),
  })
})

test.each`
  options                                    | problem                                  | fix
  ${{ namespace: 'elsewhere' }}              | ${'namespaces "elsewhere" not found'}    | ${'make the namespace'}
  ${{ podTemplate: { spec: { nodes: 1 } } }} | ${'pod_template.spec.nodes is no field'} | ${'spelling'}
`('$problem', async ({ options, problem, fix }) => {
  expect(await findings(options)).toContainEqual({
    level: 'problem',
    check: 'job_accepted',
    message: expect.stringContaining(problem),
    fix: expect.stringContaining(fix),
  })
})

test('a Docker daemon that most clusters would not let begin', async () => {
  const dind = { image: 'docker:dind', privileged: false }
  const doubt = expect.objectContaining({ level: 'warning', check: 'dind' })
  expect(await findings({ dind })).toContainEqual(doubt)
  expect(await findings({ dind: { ...dind, privileged: true } })).not.toContainEqual(doubt)
})

test('a kubeconfig that is none', async () => {
  await writeFile(place.kubeconfig, '{{{')
  expect(await findings()).toMatchObject([{ level: 'problem', check: 'cluster_configured' }])
})
