import { mapping } from '../../../fields/mapping.ts'
import { oneOf, optionalText, text, wholeNumber } from '../../../fields.ts'
import { DispatchRefused } from '../../errors.ts'
import { machineType } from '../../machine-type.ts'
import { ending } from '../own-command.ts'
import type { Finished, Programs } from '../programs.ts'
import { beforehand, type Listed, type Tool } from '../tool.ts'
import { begin, bringIn } from './guest.ts'
import { markOf, readMark } from './mark.ts'

// virsh of libvirt 9 (virsh(1)).
const shape = {
  preset: oneOf(['libvirt']),
  connect: text('the URI of a hypervisor', /^[^\s-]\S*$/).prefault('qemu:///system'),
  image: text('the volume of a pool that machines are layered on', /^[\w.][\w.-]*$/)
    .nullable()
    .prefault(null),
  pool: text('the name of a storage pool', /^[\w.][\w.-]*$/).prefault('default'),
  network: text('the name of a network', /^[\w.][\w.-]*$/).prefault('default'),
  disk_gib: wholeNumber(1, 100_000).prefault(40),
  user: text('a user name', /^[a-z_][\w-]*$/).prefault('root'),
  identity_file: optionalText,
}

export interface LibvirtOptions {
  kind: 'libvirt'
  connect: string
  image: string | null
  pool: string
  network: string
  diskGib: number
  user: string
  identity: string | null
}

/** Virtual machines of QEMU: a layer on a volume that is never written, entered by ssh, and removed with its layer. */
export const libvirt = {
  keys: Object.keys(shape),
  launchTimeout: 5 * 60_000,
  schema: mapping(shape).transform(
    ({ preset: _, disk_gib, identity_file, ...options }): LibvirtOptions => ({
      kind: 'libvirt',
      ...options,
      diskGib: disk_gib,
      identity: identity_file,
    }),
  ),
}

/** How often a new machine is asked for its address, and milliseconds between. */
const looks = 90
const pause = 2_000

const gone = /Domain not found|failed to get domain|domain is not running|Storage volume not found|no storage vol/i

export function libvirtTool(options: LibvirtOptions): Tool {
  return {
    traits: { idempotent: true, lists: true, stops: true, local: false },

    async launch(order, programs) {
      const image = order.request.image ?? options.image
      if (image === null) throw new DispatchRefused('there is no image: set "image" of the target or of the dispatcher')
      if (!/^[\w.][\w.-]*$/.test(image)) throw new DispatchRefused(`the image "${image}" is no name of a volume`)
      const machine = machineType(order.request.machineType) ?? { cpus: 2, memory: 4 * 1024 ** 3 }
      const name = markOf(order)
      // One that is there was started before, whatever has become of it.
      if ((await beforehand(machines(order.owner, programs))).some(({ id }) => id === order.request.id)) return
      try {
        await virsh(
          programs,
          ['vol-create-as', options.pool, volumeOf(name), `${options.diskGib}GiB`, '--format', 'qcow2'].concat([
            '--backing-vol',
            image,
            '--backing-vol-format',
            'qcow2',
          ]),
        )
        await virsh(programs, ['define', '/dev/stdin'], { input: domain(name, machine, options) })
        await virsh(programs, ['start', name])
        const host = await address(name, programs)
        const command = begin('sudo -n shutdown -h now || shutdown -h now')
        await bringIn(programs, options, { host, script: order.start, command })
      } catch (error) {
        await remove(name, programs)
        throw new DispatchRefused(error instanceof Error ? error.message : String(error), { cause: error })
      }
    },

    async list(owner, programs) {
      return { complete: true, runners: await machines(owner, programs) }
    },

    async stop({ id, owner }, programs) {
      for (const { id: found, name } of await machines(owner, programs)) if (found === id) await remove(name, programs)
    },
  }

  async function virsh(
    programs: Programs,
    args: readonly string[],
    { input = '', also }: { input?: string; also?: RegExp } = {},
  ): Promise<Finished> {
    const finished = await programs.run(['virsh', '--quiet', '--connect', options.connect, ...args], input)
    if (finished.code !== 0 && !also?.test(finished.lastWords))
      throw new Error(`virsh ${args[0]} ended with ${ending(finished)}`)
    return finished
  }

  async function machines(owner: string, programs: Programs): Promise<(Listed & { name: string })[]> {
    const all = names(await virsh(programs, ['list', '--all', '--name']))
    const running = names(await virsh(programs, ['list', '--name']))
    return all.flatMap((name) => {
      const mark = readMark(name, owner)
      return mark ? [{ ...mark, name, alive: running.includes(name) }] : []
    })
  }

  async function address(name: string, programs: Programs): Promise<string> {
    for (let look = 0; look < looks; look++) {
      const { output } = await virsh(programs, ['domifaddr', name])
      const [, found] = /\sipv4\s+([\d.]+)/.exec(output) ?? []
      if (found !== undefined) return found
      await programs.pause(pause)
    }
    throw new Error(`the machine took no address of the network "${options.network}"`)
  }

  async function remove(name: string, programs: Programs): Promise<void> {
    await virsh(programs, ['destroy', name], { also: gone })
    await virsh(programs, ['undefine', name, '--remove-all-storage'], { also: gone })
    // Left where the machine was never defined.
    await virsh(programs, ['vol-delete', volumeOf(name), '--pool', options.pool], { also: gone })
  }
}

function names({ output }: Finished): string[] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function volumeOf(name: string): string {
  return `${name}.qcow2`
}

/** A machine with one disk and one network card. Every name in it is plain text, as the options see to. */
function domain(
  name: string,
  { cpus, memory }: { cpus: number; memory: number },
  { pool, network }: LibvirtOptions,
): string {
  return `<domain type='kvm'>
  <name>${name}</name>
  <memory unit='KiB'>${Math.ceil(memory / 1024)}</memory>
  <vcpu>${Math.ceil(cpus)}</vcpu>
  <os><type>hvm</type></os>
  <features><acpi/></features>
  <cpu mode='host-passthrough'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='${pool}' volume='${volumeOf(name)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <source network='${network}'/>
      <model type='virtio'/>
    </interface>
    <console type='pty'/>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
`
}
