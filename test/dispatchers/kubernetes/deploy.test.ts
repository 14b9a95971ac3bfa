import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '../../../src/config/load.ts'
import { kubernetesFields } from '../../../src/dispatchers/kubernetes/options.ts'
import { permissions } from '../../../src/dispatchers/kubernetes/permissions.ts'
import { mapping } from '../../../src/fields/mapping.ts'
import { aRequest, never } from '../contract.ts'
import { aCluster, type KubernetesPlace } from './place.ts'
import { wrongFields } from './schema.ts'

const deployFolder = resolve(import.meta.dirname, '../../../deploy/kubernetes')
const documents = (file: string) =>
  parseAllDocuments(readFileSync(`${deployFolder}/${file}`, 'utf8'), { version: '1.1' }).map((one) => one.toJS())
const role = documents('rbac.yaml').find(({ kind }) => kind === 'Role')
const granted: string[] = role.rules.flatMap((rule: { resources: string[]; verbs: string[] }) =>
  rule.resources.flatMap((resource) => rule.verbs.map((verb) => `${verb} ${resource}`)),
)

let place: KubernetesPlace
beforeEach(async () => {
  place = await aCluster()
})
afterEach(() => place.close())

// Everything that the kind does, from a first start to one that is taken up again and ended.
test('the Role grants exactly what is used', async () => {
  const dispatcher = place.dispatcher()
  await vi.waitFor(() => expect(place.api.streams).toBe(3))
  const request = aRequest()
  await dispatcher.launch(request, never)
  await place.dispatcher().launch(request, never)
  await dispatcher.running?.(never)
  await dispatcher.stop?.(request.id, never)
  await dispatcher.close?.()
  const used = new Set(place.api.calls.map(({ verb, resource }) => `${verb} ${resource}`))
  expect([...used].sort()).toEqual(granted.toSorted())
  const checked = permissions.flatMap(({ resource, verbs }) => verbs.map((verb) => `${verb} ${resource}`))
  expect(checked.toSorted()).toEqual(granted.toSorted())
})

describe.each(['rbac.yaml', 'muster.yaml'])('%s', (file) => {
  test.each(documents(file).map((document) => [document.kind, document]))(
    '%s is as Kubernetes has it',
    (kind, document) => {
      expect(wrongFields(document, `V1${kind}`)).toEqual([])
      expect(document.apiVersion).toBeDefined()
    },
  )
})

describe('Muster in the cluster', () => {
  const [deployment] = documents('muster.yaml').filter(({ kind }) => kind === 'Deployment')
  const pod = deployment.spec.template.spec
  const [container] = pod.containers

  test('is not root, writes nowhere but its state, and has the service account of the Role', () => {
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true })
    expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false })
    const binding = documents('rbac.yaml').find(({ kind }) => kind === 'RoleBinding')
    expect(binding.subjects).toEqual([
      { kind: 'ServiceAccount', name: pod.serviceAccountName, namespace: deployment.metadata.namespace },
    ])
    expect(binding.roleRef.name).toBe(role.metadata.name)
  })

  test('is asked where its listeners answer', () => {
    const config = parse(documents('muster.yaml').find(({ kind }) => kind === 'ConfigMap').data['autoscaler.yaml'])
    const portOf = (name: string) => container.ports.find((port: { name: string }) => port.name === name)?.containerPort
    expect(container.livenessProbe.httpGet.path).toBe('/healthz')
    expect(config.listen).toBe(`:${portOf(container.livenessProbe.httpGet.port)}`)
    expect(container.readinessProbe.httpGet.path).toBe('/readyz')
    expect(config.admin.listen).toBe(`:${portOf(container.readinessProbe.httpGet.port)}`)
  })

  test('has a configuration that is read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-deploy-'))
    for (const secret of ['admin-token', 'forge-token', 'webhook-secret'])
      writeFileSync(join(folder, secret), `${secret}-0123456789abcdef0123456789`)
    const text = readFileSync(`${deployFolder}/muster.yaml`, 'utf8').replaceAll('/run/secrets/muster', folder)
    const written = parseAllDocuments(text)
      .map((one) => one.toJS())
      .find(({ kind }) => kind === 'ConfigMap')
    const { dispatcher, ...others } = parse(written.data['autoscaler.yaml'])
    const { kind, ...options } = dispatcher
    expect(kind).toBe('kubernetes')
    const reading = { environment: {}, folder, secrets: [], files: [], warnings: [] }
    expect(mapping(kubernetesFields(reading)).parse(options)).toMatchObject({ namespace: role.metadata.namespace })
    writeFileSync(join(folder, 'autoscaler.yaml'), JSON.stringify(others))
    expect(loadConfig(join(folder, 'autoscaler.yaml')).warnings).toEqual([])
    rmSync(folder, { recursive: true })
  })
})
