import type Docker from 'dockerode'
import { type EngineAddress, socketOf } from './address.ts'
import { orGivenUp } from './given-up.ts'

/** The way to a Docker Engine or to Podman, which speaks its API. */
export interface Engine {
  /** One call. It is given up when the signal is aborted, after `ms` milliseconds, or when we let go. */
  call<T>(ms: number, signal: AbortSignal, ask: (docker: Docker, signal: AbortSignal) => Promise<T>): Promise<T>
}

export function createEngine(address: EngineAddress, closing: AbortSignal): Engine {
  return {
    async call(ms, signal, ask) {
      const ending = AbortSignal.any([signal, closing, AbortSignal.timeout(ms)])
      ending.throwIfAborted()
      const docker = await connection(address)
      // Not every method of dockerode hands the signal on.
      return orGivenUp(ask(docker, ending), ending)
    },
  }
}

// Every value is given, undefined ones too: what is left out, docker-modem takes from $DOCKER_HOST. Each call has a connection of its own:
// only then does an error before it stands prove that nothing was sent.
async function connection(address: EngineAddress): Promise<Docker> {
  // Loaded where it is used: it is a third of what the start of any service would load.
  const { default: Docker } = await import('dockerode')
  const none = {
    host: undefined,
    port: undefined,
    socketPath: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }
  const usual = { ...none, headers: { connection: 'close' }, protocol: 'http', pathPrefix: '/' } as const
  if (address.kind === 'sockets') return new Docker({ ...usual, socketPath: await socketOf(address.paths) })
  const { host, port, tls } = address
  if (!tls) return new Docker({ ...usual, host, port })
  const { ca, cert, key } = tls
  return new Docker({
    ...usual,
    host,
    port,
    protocol: 'https',
    ca: ca ?? undefined,
    cert: cert ?? undefined,
    key: key ?? undefined,
  })
}
