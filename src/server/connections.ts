import type { Server } from 'node:http'
import { BlockList, isIPv6, type Socket } from 'node:net'

/** Addresses behind which many may stand: a proxy of one's own, which is on this machine or in a private network. */
const near = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  near.addSubnet(network, bits)
near.addAddress('::1', 'ipv6')
near.addSubnet('fc00::', 7, 'ipv6')

/** True for an address on this machine or in a private network; `::ffff:10.0.0.1` is one too. */
export function isNear(address: string): boolean {
  return near.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** Lets one far address hold so many connections at once; what goes beyond them is dropped unanswered, so that nobody can take all that there are. */
export function limitEach(server: Server, most: number, exempt: (address: string) => boolean = isNear): void {
  const held = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: address } = socket
    if (address === undefined || exempt(address)) return
    const count = (held.get(address) ?? 0) + 1
    if (count > most) return void socket.destroy()
    held.set(address, count)
    socket.once('close', () => {
      const left = (held.get(address) ?? 0) - 1
      if (left > 0) held.set(address, left)
      else held.delete(address)
    })
  })
}
