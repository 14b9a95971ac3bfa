import type { LaunchRequest } from '../dispatcher.ts'
import type { Creation } from './creation.ts'
import { marks } from './marks.ts'
import type { DockerOptions } from './options.ts'

// Both see the socket through a volume of their own, so no port of it is open to a network, and both share one network, so a runner reaches
// what its jobs publish at localhost.
const folder = '/run/muster-engine'

export const sideSocket = `${folder}/docker.sock`
/** Who may use the socket: the runner's container is given this group, whatever user it runs as. */
export const sideGroup = '2375'

/** The name of a runner's own engine, and of the volume that holds its socket. */
export function sideName(runner: string): string {
  return `${runner}-engine`
}

export function sideVolume(runner: string): string {
  return `${sideName(runner)}:${folder}`
}

/** The container of an engine that one runner has for itself. It alone is privileged unless the options say more. */
export function sideCreation(
  request: LaunchRequest,
  options: DockerOptions,
  { runner, image, owner, endsAt }: { runner: string; image: string; owner: string; endsAt: number },
): Creation {
  const [network] = options.networks
  return {
    name: sideName(runner),
    platform: null,
    body: {
      Image: image,
      // The entry point of docker:dind prepares cgroups for `dockerd` and leaves its arguments as they are.
      Cmd: ['dockerd', `--host=unix://${sideSocket}`, '--host=unix:///var/run/docker.sock', `--group=${sideGroup}`],
      Env: ['DOCKER_TLS_CERTDIR='],
      Labels: marks(request, { owner, role: 'engine', endsAt }),
      HostConfig: {
        Privileged: true,
        Binds: [...options.volumes, sideVolume(runner)],
        ExtraHosts: [...options.extraHosts],
        ...(network !== undefined && { NetworkMode: network }),
      },
    },
  }
}
