import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { kubernetes } from '../../../src/dispatchers/kubernetes/dispatcher.ts'
import { aRequest, never } from '../contract.ts'
import { type ApiServer, anApiServer } from './api-server.ts'
import { kubeconfigFor, someOptions } from './place.ts'

const haveOpenssl = spawnSync('openssl', ['version']).status === 0
if (!haveOpenssl) console.warn('NOT TESTED: certificates of an API server, openssl is not there to make one.')

describe.skipIf(!haveOpenssl)('an API server with a certificate of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-tls-'))
  let api: ApiServer
  beforeAll(async () => {
    const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
    const names = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', ...made, ...names, '-keyout', 'key.pem', '-out', 'cert.pem'], {
      cwd: folder,
      stdio: 'ignore',
    })
    api = await anApiServer({
      key: readFileSync(join(folder, 'key.pem')),
      cert: readFileSync(join(folder, 'cert.pem')),
    })
  })
  afterAll(async () => {
    await api.close()
    rmSync(folder, { recursive: true })
  })

  const launch = async (trust: object) => {
    const kubeconfig = join(folder, 'kubeconfig')
    writeFileSync(kubeconfig, kubeconfigFor(api.url, trust))
    const context = { name: 'tls', owner: 'muster', clock: systemClock, note: () => undefined }
    const dispatcher = kubernetes.create(someOptions({ kubeconfig }), context)
    return dispatcher.launch(aRequest(), never).finally(() => dispatcher.close?.())
  }

  // A path in it begins at the kubeconfig.
  test('is trusted by the authority of the kubeconfig', async () => {
    await expect(launch({ 'certificate-authority': 'cert.pem' })).resolves.toEqual({ name: expect.any(String) })
    expect(api.cluster.jobs.size).toBe(1)
  })

  test('is sent nothing when nobody vouches for it', async () => {
    const before = api.calls.length
    await expect(launch({})).rejects.toMatchObject({
      name: 'DispatchRefused',
      message: expect.stringMatching(/self.signed certificate/i),
    })
    expect(api.calls.length).toBe(before)
  })
})
