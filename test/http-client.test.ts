import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../src/http-client.ts'

/** Asks a server that answers like this, with room for 1,000 bytes. */
async function ask(answer: (response: ServerResponse) => void) {
  const server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
  const http = createHttpClient({ maxBytes: 1_000 })
  onTestFinished(() => {
    http.close()
    server.closeAllConnections()
    server.close()
  })
  await new Promise((listening) => server.once('listening', listening))
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return http.send({ method: 'GET', url, deadline: 20_000 })
}

test('an answer that never ends is left as soon as it is too large', async () => {
  const goOn = (response: ServerResponse) => response.write('x'.repeat(100), (error) => error || goOn(response))
  await expect(ask(goOn)).rejects.toMatchObject({ code: 'too_large', sent: true })
})

test('an answer that is shorter than it says is no answer', async () => {
  const half = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('[', () => response.destroy())
  }
  await expect(ask(half)).rejects.toMatchObject({ name: 'HttpFailed', sent: true })
})

test('an answer that ends within its chunks is no answer', async () => {
  const half = (response: ServerResponse) => void response.write('[]', () => response.destroy())
  await expect(ask(half)).rejects.toMatchObject({ name: 'HttpFailed', sent: true })
})

test('an answer in an encoding that was not asked for is no answer', async () => {
  const encoded = (response: ServerResponse) =>
    void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('[]'))
  await expect(ask(encoded)).rejects.toMatchObject({ code: 'encoded', sent: true })
})

test('an answer of just the size that there is room for is read', async () => {
  expect(await ask((response) => void response.end('x'.repeat(1_000)))).toMatchObject({ status: 200 })
})
