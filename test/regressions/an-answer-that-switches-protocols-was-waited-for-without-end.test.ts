import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createHttpClient } from '../../src/http-client.ts'

/** Asks a server that says this and nothing else; with a deadline that no test waits for. */
async function ask(said: string) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.write(said))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const http = createHttpClient()
  onTestFinished(() => {
    http.close()
    server.close()
  })
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return http.send({ method: 'POST', url, json: {}, deadline: 60_000 })
}

test.each([
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\n{}',
])('%j is no answer, and was sent', async (said) => {
  await expect(ask(said)).rejects.toMatchObject({ name: 'HttpFailed', sent: true })
})
