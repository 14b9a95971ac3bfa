import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { loaded } from '../../../src/dispatchers/kubernetes/kubeconfig.ts'
import { kubeconfigFor, someOptions } from './place.ts'

const folder = mkdtempSync(join(tmpdir(), 'muster-kubeconfig-'))
const kubeconfig = join(folder, 'kubeconfig')
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

const load = (text: string, context: string | null = null) => {
  writeFileSync(kubeconfig, text)
  return loaded(new KubeConfig(), someOptions({ kubeconfig, context }))
}

// Without one of them the client calls over connections that only its own pool can end.
test.each`
  server                            | trust                                  | name
  ${'https://k8s.example.org:6443'} | ${{}}                                  | ${'k8s.example.org'}
  ${'https://k8s.example.org:6443'} | ${{ 'tls-server-name': 'kubernetes' }} | ${'kubernetes'}
  ${'https://10.0.0.1:6443'}        | ${{}}                                  | ${undefined}
  ${'https://[fd00::1]:6443'}       | ${{}}                                  | ${undefined}
`('the certificate of $server is held against $name', ({ server, trust, name }) => {
  expect(load(kubeconfigFor(server, trust)).getCurrentCluster()?.tlsServerName).toBe(name)
})

test.each`
  what                               | text                            | context         | problem
  ${'no YAML'}                       | ${'{{{'}                        | ${null}         | ${/kubeconfig .* cannot be read/}
  ${'nothing'}                       | ${'{}'}                         | ${null}         | ${/no current context with a cluster/}
  ${'another context than is asked'} | ${kubeconfigFor('https://k8s')} | ${'production'} | ${/no context "production"/}
`('a kubeconfig with $what says what is wrong with it', ({ text, context, problem }) => {
  expect(() => load(text, context)).toThrow(problem)
})

test('outside of a cluster a kubeconfig is asked for', () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '')
  expect(() => loaded(new KubeConfig(), someOptions())).toThrow(/set "kubeconfig"/)
})

test('in a cluster the token of the pod is used', () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1')
  vi.stubEnv('KUBERNETES_SERVICE_PORT', '443')
  const config = loaded(new KubeConfig(), someOptions())
  expect(config.getCurrentCluster()?.server).toBe('https://10.0.0.1:443')
  expect(config.getCurrentUser()?.authProvider).toMatchObject({ name: 'tokenFile' })
})
