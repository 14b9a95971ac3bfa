import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { isNear, limitEach } from '../../src/server/connections.ts'

/** A server for which every address is far, and one that holds connections to it. */
async function aServer(most: number, exempt?: (address: string) => boolean) {
  const server = createServer((_, answer) => answer.end('ok'))
  limitEach(server, most, exempt)
  const held: Socket[] = []
  onTestFinished(() => {
    for (const socket of held) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo

  /** Asks on a connection of its own, which stays open; whether it was answered. */
  const ask = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      held.push(socket)
      socket.once('data', () => resolve(true))
      socket.once('error', () => undefined)
      socket.once('close', () => resolve(false))
    })
  return { ask, held }
}

test('an address gets so many connections at once, and another one when one has ended', async () => {
  const { ask, held } = await aServer(2, () => false)
  expect([await ask(), await ask(), await ask(), await ask()]).toEqual([true, true, false, false])
  const [first] = held
  await new Promise((closed) => first?.once('close', closed).end())
  await expect.poll(ask).toBe(true)
})

test('a proxy of our own may hold any number', async () => {
  const { ask } = await aServer(2)
  expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual([true, true, true, true])
})

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.31.0.1', true],
  ['192.168.1.1', true],
  ['::ffff:192.168.1.1', true],
  ['fd12::1', true],
  ['172.32.0.1', false],
  ['169.254.169.254', false],
  ['203.0.113.7', false],
  ['::ffff:203.0.113.7', false],
  ['2001:db8::1', false],
])('%s is near: %s', (address, expected) => {
  expect(isNear(address)).toBe(expected)
})
