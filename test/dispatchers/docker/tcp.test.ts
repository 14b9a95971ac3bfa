import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createContainers } from '../../../src/dispatchers/docker/containers.ts'
import { createEngine } from '../../../src/dispatchers/docker/engine.ts'
import { neverConnected } from '../../../src/dispatchers/docker/faults.ts'
import { never } from '../contract.ts'

const openssl = spawnSync('openssl', ['version']).status === 0
if (!openssl)
  console.warn('SKIPPED: TLS to an engine is not tried, because there is no openssl to make certificates with')

let folder: string
const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), 'utf8')

/** An authority, and what it signed: the engine's certificate and ours. */
function makeCertificates(): void {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  run('req', '-x509', ...key, '-subj', '/CN=authority', '-days', '2', '-keyout', 'ca-key.pem', '-out', 'ca.pem')
  for (const name of ['engine', 'client']) {
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1']
    run('req', ...key, '-subj', `/CN=${name}`, ...names, '-keyout', `${name}-key.pem`, '-out', `${name}.csr`)
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-copy_extensions', 'copy']
    run('x509', '-req', '-in', `${name}.csr`, ...signed, '-days', '2', '-out', `${name}.pem`)
  }
}

const list = (port: number, tls: { ca: string | null; cert: string | null; key: string | null } | null) =>
  createContainers(createEngine({ kind: 'tcp', host: '127.0.0.1', port, tls }, never)).list('muster', never)

describe.skipIf(!openssl)('an engine over TCP with TLS', () => {
  let server: Server
  let port: number
  let served = 0
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'muster-tls-'))
    makeCertificates()
    const options = {
      ca: pem('ca'),
      cert: pem('engine'),
      key: pem('engine-key'),
      requestCert: true,
      rejectUnauthorized: true,
    }
    server = createServer(options, (_, answer) => {
      served++
      answer.end('[]')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterEach(() => {
    served = 0
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  test('is spoken to with our certificate', async () => {
    expect(await list(port, { ca: pem('ca'), cert: pem('client'), key: pem('client-key') })).toEqual([])
    expect(served).toBe(1)
  })

  test.each`
    what                        | tls
    ${'an unknown authority'}   | ${() => ({ ca: null, cert: pem('client'), key: pem('client-key') })}
    ${'no certificate of ours'} | ${() => ({ ca: pem('ca'), cert: null, key: null })}
  `('is asked for nothing with $what, and that is known', async ({ tls }) => {
    const error = await list(port, tls()).catch((failure: unknown) => failure)
    expect(served).toBe(0)
    expect(neverConnected(error)).toBe(true)
  })
})

test('an engine over plain TCP is spoken to', async () => {
  const server = createPlainServer((_, answer) => answer.end('[]'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  expect(await list((server.address() as AddressInfo).port, null)).toEqual([])
  await new Promise((resolve) => server.close(resolve))
})
