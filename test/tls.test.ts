import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createHttpClient } from '../src/http-client.ts'

const haveOpenssl = spawnSync('openssl', ['version']).status === 0
if (!haveOpenssl) console.warn('NOT TESTED: what is trusted over TLS, openssl is not there to make certificates.')

describe.skipIf(!haveOpenssl)('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'muster-trust-'))
  const pem = (name: string) => readFileSync(join(folder, `${name}.pem`), 'utf8')
  beforeAll(() => {
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
    const certificate = (name: string, host: string, days = 2) => {
      const names = ['-subj', '/CN=x', '-addext', `subjectAltName=${host}`]
      openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}-key.pem`, ...names, '-out', `${name}.csr`)
      const signed = ['-signkey', `${name}-key.pem`, '-days', String(days), '-copy_extensions', 'copy']
      openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.pem`)
    }
    certificate('good', 'IP:127.0.0.1')
    certificate('other-host', 'DNS:elsewhere.example')
    certificate('expired', 'IP:127.0.0.1', -1)
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  afterEach(() => vi.unstubAllEnvs())

  /** Asks a server that has this certificate; the request is not sent where the call is refused. */
  async function ask(name: string, options: ServerOptions & { ca?: string } = {}) {
    let requests = 0
    const server: Server = createServer({ key: pem(`${name}-key`), cert: pem(name), ...options }, (_, answer) => {
      requests++
      answer.end('{}')
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const http = createHttpClient({ ca: 'ca' in options ? options.ca : pem(name) })
    onTestFinished(() => {
      http.close()
      server.close()
    })
    const url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const answer = http.send({
      method: 'POST',
      url,
      headers: { authorization: 'token of-the-forge' },
      deadline: 20_000,
    })
    return answer.then(
      ({ status }) => ({ status, requests }),
      ({ code, sent }) => ({ code, sent, requests }),
    )
  }

  test('an authority of ca_file is trusted', async () => {
    expect(await ask('good')).toEqual({ status: 200, requests: 1 })
  })

  test.each`
    what                                | name            | options                                                                       | code
    ${'nobody vouches for'}             | ${'good'}       | ${{ ca: undefined }}                                                          | ${'DEPTH_ZERO_SELF_SIGNED_CERT'}
    ${'is for another host'}            | ${'other-host'} | ${{}}                                                                         | ${'ERR_TLS_CERT_ALTNAME_INVALID'}
    ${'has expired'}                    | ${'expired'}    | ${{}}                                                                         | ${'CERT_HAS_EXPIRED'}
    ${'comes over TLS 1.1 at the most'} | ${'good'}       | ${{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }} | ${'EPROTO'}
  `('a certificate that $what is refused by its name, and nothing is sent', async ({ name, options, code }) => {
    const refused = await ask(name, options)
    expect(refused).toMatchObject({ sent: false, requests: 0 })
    expect(refused).toMatchObject({
      code: expect.stringMatching(new RegExp(`${code}|ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION`)),
    })
  })

  test('no variable of the environment turns this off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(await ask('good', { ca: undefined })).toMatchObject({ sent: false, requests: 0 })
  })
})
