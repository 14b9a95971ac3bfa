import { BlockList, isIP } from 'node:net'

/** Where a webhook goes, as a forge sees it that delivers to `external` addresses alone, which is the default of both. */
interface Receiver {
  kind: 'public' | 'loopback' | 'private' | 'shared' | 'local name'
  /** For people: `the private address 10.0.0.7`. */
  described: string
  /** What the forge's list of allowed hosts needs besides `external`; null where it needs nothing. */
  allow: string | null
}

const loopback = ranges(['127.0.0.0', 8], ['::1', 128])
const privately = ranges(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['fc00::', 7])
/** Link-local addresses: neither `external` nor `private`. */
const linkLocal = ranges(['169.254.0.0', 16], ['fe80::', 10])
/** Tailscale and carriers. Refused by Gitea since 1.26.3 (#38059), where `private` allows it; `external` to Forgejo up to v17-dev. */
const shared = ranges(['100.64.0.0', 10])

/** What is known of an address without asking anybody: a name may still lead into a private network. */
function receiverAt(url: string): Receiver {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, '') ?? ''
  const version = isIP(host)
  if (version === 0) return receiverNamed(host)
  const family = version === 6 ? 'ipv6' : 'ipv4'
  if (loopback.check(host, family))
    return { kind: 'loopback', described: `the loopback address ${host}`, allow: 'loopback' }
  if (privately.check(host, family))
    return { kind: 'private', described: `the private address ${host}`, allow: 'private' }
  if (linkLocal.check(host, family))
    return {
      kind: 'private',
      described: `the link-local address ${host}`,
      allow: `${host}/${version === 6 ? 128 : 32}`,
    }
  if (shared.check(host, family))
    return { kind: 'shared', described: `${host}, an address of a carrier or of Tailscale`, allow: '100.64.0.0/10' }
  return { kind: 'public', described: host, allow: null }
}

function receiverNamed(host: string): Receiver {
  if (/(?:^|\.)localhost$/.test(host)) return { kind: 'loopback', described: host, allow: 'loopback' }
  const local = !host.includes('.') || /\.(?:local|lan|internal|intranet|home\.arpa)$/.test(host)
  return local
    ? { kind: 'local name', described: `the local name ${host}`, allow: host }
    : { kind: 'public', described: host, allow: null }
}

/** How the forge is made to deliver there, as one sentence; null where it will without. */
export function allowance(url: string, forge: 'forgejo' | 'gitea'): string | null {
  const { kind, described, allow } = receiverAt(url)
  if (allow === null || (kind === 'shared' && forge === 'forgejo')) return null
  const where =
    forge === 'gitea'
      ? '[security] ALLOWED_HOST_LIST (up to Gitea 1.26 [webhook] ALLOWED_HOST_LIST)'
      : '[webhook] ALLOWED_HOST_LIST'
  const since = kind === 'shared' ? 'from Gitea 1.26.3 on ' : ''
  return `the webhook goes to ${described}: ${since}the forge delivers there only if ${where} in its app.ini allows it, such as with "external, ${allow}"`
}

function ranges(...subnets: [address: string, prefix: number][]): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return list
}
