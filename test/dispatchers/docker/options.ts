import type { DockerOptions } from '../../../src/dispatchers/docker/options.ts'

/** Options of a dispatcher on one socket, as an empty configuration gives them. */
export function someOptions(socket: string, over: Partial<DockerOptions> = {}): DockerOptions {
  return {
    engine: { kind: 'sockets', paths: [socket] },
    image: null,
    pull: 'missing',
    registry: null,
    dind: null,
    privileged: false,
    networks: [],
    extraHosts: [],
    volumes: [],
    user: null,
    env: {},
    command: null,
    init: false,
    ulimits: [],
    ...over,
  }
}
