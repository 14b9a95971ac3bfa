import { access, constants } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DispatcherUnusable } from '../errors.ts'

/** Where an engine is reached. */
export type EngineAddress =
  /** Unix sockets, absolute: the first that is there and may be used. */
  { kind: 'sockets'; paths: readonly string[] } | { kind: 'tcp'; host: string; port: number; tls: TlsFiles | null }

/** PEM texts; an empty set trusts the usual authorities and shows no certificate. */
export interface TlsFiles {
  ca: string | null
  cert: string | null
  key: string | null
}

type Environment = Readonly<Record<string, string | undefined>>

/** The same as it is written: the port may be left out, and TLS follows from more than the address. */
export type WrittenAddress =
  | { kind: 'sockets'; paths: readonly string[] }
  | { kind: 'tcp'; host: string; port: number | null; secure: boolean }

/** Reads `unix:///path`, `/path`, `tcp://host:port`; null for anything else. */
export function writtenAddress(text: string): WrittenAddress | null {
  const path = /^(?:unix:\/\/)?(\/[^\0]+)$/.exec(text)?.[1]
  if (path !== undefined) return { kind: 'sockets', paths: [resolve(path)] }
  const [, scheme, host, port] = /^(tcp|https?):\/\/(\[[0-9a-f:.]+\]|[^\s:/@[\]]+)(?::(\d{1,5}))?\/?$/i.exec(text) ?? []
  if (host === undefined || Number(port ?? 1) > 65_535 || Number(port ?? 1) < 1) return null
  const secure = scheme === 'https' || port === '2376'
  return { kind: 'tcp', host, port: port === undefined ? null : Number(port), secure }
}

/** The address with what TLS needs. A port left out is Docker's: 2375, with TLS 2376. */
export function engineAddress(written: WrittenAddress, files: TlsFiles | null): EngineAddress {
  if (written.kind === 'sockets') return written
  const { host, port, secure } = written
  const tls = files ?? (secure ? { ca: null, cert: null, key: null } : null)
  return { kind: 'tcp', host, port: port ?? (tls ? 2376 : 2375), tls }
}

/** The sockets that are looked for when nothing is said: Docker's, then those of a user of their own, then Podman's. */
export function usualSockets({ XDG_RUNTIME_DIR: runtime }: Environment): string[] {
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'podman/podman.sock'), join(runtime, 'docker.sock')] : []),
    '/run/podman/podman.sock',
  ]
}

/** For people, without anything secret. */
export function shownAddress(address: EngineAddress): string {
  if (address.kind === 'sockets') return address.paths.map((path) => `unix://${path}`).join(', ')
  return `tcp://${address.host}:${address.port}`
}

/** The socket to use now: one may come later, so this is asked for each call. Rejects with `DispatcherUnusable` when there is none. */
export async function socketOf(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await allows(path, constants.R_OK | constants.W_OK)) return path
  for (const path of paths) if (await allows(path, constants.F_OK)) return path
  throw new DispatcherUnusable(
    `no socket of a container engine was found (looked for ${paths.join(', ')}); start Docker or Podman, or set "host"`,
  )
}

function allows(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}
