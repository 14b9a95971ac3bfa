import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../../src/clock.ts'
import type { Dispatcher } from '../../../src/dispatchers/dispatcher.ts'
import { kubernetes } from '../../../src/dispatchers/kubernetes/dispatcher.ts'
import type { KubernetesOptions } from '../../../src/dispatchers/kubernetes/options.ts'
import type { Place } from '../contract.ts'
import { type ApiServer, anApiServer, token } from './api-server.ts'
import { dispatchOf } from './cluster.ts'

export interface KubernetesPlace extends Place {
  api: ApiServer
  notes: string[]
  kubeconfig: string
  dispatcher(owner?: string, options?: Partial<KubernetesOptions>, clock?: Clock): Dispatcher
}

export function someOptions(over: Partial<KubernetesOptions> = {}): KubernetesOptions {
  return {
    kubeconfig: null,
    context: null,
    namespace: null,
    image: 'runner:1',
    command: null,
    env: {},
    serviceAccount: null,
    nodeSelector: {},
    tolerations: [],
    resources: null,
    dind: null,
    imagePullSecrets: [],
    runtimeClass: null,
    priorityClass: null,
    ttlAfterFinished: 300_000,
    podTemplate: {},
    ...over,
  }
}

/** A played cluster behind its API, and a kubeconfig for it. */
export async function aCluster(): Promise<KubernetesPlace> {
  const api = await anApiServer()
  const folder = await mkdtemp(join(tmpdir(), 'muster-kubernetes-'))
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigFor(api.url))
  const notes: string[] = []
  const { cluster } = api

  return {
    api,
    notes,
    kubeconfig,
    shortTtl: 1_000,
    dispatcher: (owner = 'muster', options = {}, clock = systemClock) =>
      kubernetes.create(someOptions({ kubeconfig, ...options }), {
        name: 'cluster',
        owner,
        clock,
        note: (sentence) => notes.push(sentence),
      }),
    started: async () => cluster.started.map(({ dispatch }) => dispatch),
    living: async () => [...cluster.pods.values()].filter(({ status }) => status?.phase === 'Running').map(dispatchOf),
    // All but Secrets, which are there to be hidden.
    onlooker: async () =>
      JSON.stringify([
        ...cluster.jobs.values(),
        ...cluster.pods.values(),
        ...api.calls.map(({ path, query }) => `${path}?${query}`),
        notes,
      ]),
    async close() {
      await api.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The API is plain HTTP as a rule, which the client takes only where no certificate is asked for. */
export function kubeconfigFor(server: string, trust: object = { 'insecure-skip-tls-verify': true }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server, ...trust } }],
    users: [{ name: 'muster', user: { token } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'muster', namespace: 'ci' } }],
  })
}
