import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import type { LaunchRequest } from '../dispatcher.ts'
import { DispatchRefused } from '../errors.ts'
import { type MachineType, machineType } from '../machine-type.ts'
import { marks } from './marks.ts'
import type { DockerOptions } from './options.ts'
import { sideGroup, sideName, sideVolume } from './side.ts'
import { entrypoint } from './start-archive.ts'

/** A container to be made. */
export interface Creation {
  name: string
  /** `os/arch`; null for the engine's own. */
  platform: string | null
  body: ContainerCreateOptions
}

/** Docker's and Podman's names of containers. */
const containerName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/

/** The container of a dispatch: one of that name can be made only once. Null for an id that no container can have been named for. */
export function runnerContainer(owner: string, dispatchId: string): string | null {
  const name = `${owner}-${dispatchId}`
  return containerName.test(name) ? name : null
}

/** The container of a runner. No credential and none of the `env` is in it: both are in the start script. */
export function runnerCreation(
  request: LaunchRequest,
  options: DockerOptions,
  { name, image, owner, endsAt }: { name: string; image: string; owner: string; endsAt: number },
): Creation {
  const machine = machineType(request.machineType)
  return {
    name,
    platform: platformOf(machine),
    body: {
      Image: image,
      Entrypoint: entrypoint,
      Cmd: [],
      ...(options.user !== null && { User: options.user }),
      Labels: marks(request, { owner, role: 'runner', endsAt }),
      HostConfig: { ...limits(machine, options), ...surroundings(name, options) },
    },
  }
}

function limits(machine: MachineType | null, { ulimits, privileged, init }: DockerOptions): HostConfig {
  return {
    ...(machine && { NanoCpus: Math.round(machine.cpus * 1e9), Memory: machine.memory }),
    ...(ulimits.length > 0 && {
      Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    }),
    ...(privileged && { Privileged: true }),
    ...(init && { Init: true }),
  }
}

// Beside an engine of its own the network is that engine's, which has the names and networks of the options.
function surroundings(name: string, { volumes, networks, extraHosts, dind }: DockerOptions): HostConfig {
  if (dind !== null) {
    return {
      Binds: [...volumes, sideVolume(name)],
      NetworkMode: `container:${sideName(name)}`,
      GroupAdd: [sideGroup],
    }
  }
  const [network] = networks
  return {
    Binds: [...volumes],
    ExtraHosts: [...extraHosts],
    ...(network !== undefined && { NetworkMode: network }),
  }
}

function platformOf(machine: MachineType | null): string | null {
  if (!machine?.platform) return null
  const { os, arch } = machine.platform
  if (os !== 'linux') throw new DispatchRefused(`the machine_type asks for ${os}; containers of this kind run Linux`)
  return `${os}/${arch}`
}
