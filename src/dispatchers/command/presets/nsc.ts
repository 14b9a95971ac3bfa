import { z } from 'zod'
import { mapping } from '../../../fields/mapping.ts'
import { oneOf, optionalText, text } from '../../../fields.ts'
import { DispatchRefused } from '../../errors.ts'
import { machineType } from '../../machine-type.ts'
import { ending } from '../own-command.ts'
import { type Finished, ProgramFailed, type Programs } from '../programs.ts'
import { beforehand, type Listed, type Order, type Tool } from '../tool.ts'
import { begin, receive, sealed } from './guest.ts'
import { type Shape, shapesFor } from './nsc-shapes.ts'

// Flags and outputs as in namespacelabs/foundation 7ce05e6 (internal/cli/cmd/cluster/{run,create,ssh,history,destroy}.go).
const shape = {
  preset: oneOf(['nsc']),
  image: text('the image of a container', /^[^\s-]\S*$/).prefault('code.forgejo.org/forgejo/runner:12'),
  network: optionalText,
}

export interface NscOptions {
  kind: 'nsc'
  image: string
  network: string | null
}

/** Instances of namespace.so: containers for Linux, machines for macOS and Windows. Each ends with its `--duration`, whoever lives. */
export const nsc = {
  keys: Object.keys(shape),
  // Four shapes are tried one after the other, the first for 8 minutes.
  launchTimeout: 30 * 60_000,
  schema: mapping(shape).transform(({ image, network }): NscOptions => ({ kind: 'nsc', image, network })),
}

const platforms = { windows: 'windows/amd64', macos: 'macos/arm64' } as const
type System = 'linux' | keyof typeof platforms

/** Milliseconds between tries to enter a container or machine that starts, and how many. */
const pause = 4_000
const tries = 30

// A container that waits for its script: nothing of it goes through arguments or variables, which everybody can read.
const waiting = 'while [ ! -f /tmp/muster-start ]; do sleep 1; done; exec /bin/sh /tmp/muster-start'
const bring = `folder=/tmp/muster-start; ${receive}; mv $new $folder`
const hasEnded = 'if [ -e /tmp/muster-start/ended ]; then echo muster-ended; fi'

const created = z.object({ cluster_id: z.string().min(1) })
const instances = z
  .array(
    z.object({
      cluster_id: z.string(),
      destroyed_at: z.string().optional(),
      labels: z.record(z.string(), z.string()).nullish(),
    }),
  )
  .nullable()

interface Instance extends Listed {
  instance: string
  system: string
}

export function nscTool(options: NscOptions): Tool {
  return {
    traits: { idempotent: true, lists: true, stops: true, local: false },

    async launch(order, programs) {
      const system = systemOf(order)
      if ((await beforehand(ours(order.owner, programs))).some(({ id }) => id === order.request.id)) return
      if (system === 'linux') await launchContainer(order, programs)
      else await launchMachine(order, system, programs)
    },

    async list(owner, programs) {
      const found = await ours(owner, programs)
      return { complete: true, runners: await Promise.all(found.map((one) => withEnd(one, programs))) }
    },

    async stop({ id, owner }, programs) {
      for (const { id: found, instance } of await ours(owner, programs))
        if (found === id) await destroy(instance, programs)
    },
  }

  async function launchContainer(order: Order, programs: Programs): Promise<void> {
    const { request } = order
    const { platform, size } = sized(request.machineType)
    const finished = await programs.run([
      ...['nsc', 'run', '--output', 'json', '--duration', durationOf(order), '--image', request.image ?? options.image],
      ...['--name', request.name, '--user', 'root'],
      ...(size === null ? [] : ['--machine_type', platform === null ? size : `${platform}:${size}`]),
      ...(options.network === null ? [] : ['--network', options.network]),
      ...labels(order, 'linux'),
      ...['--', '/bin/sh', '-c', waiting],
    ])
    // It may have made the instance before it failed, and nothing else would end that.
    if (finished.code !== 0) return undone(order, programs, `nsc run ended with ${ending(finished)}`)
    const instance = instanceOf(finished)
    await bringIn(order, programs, ['--container_name', request.name, instance, bring])
  }

  async function launchMachine(order: Order, system: keyof typeof platforms, programs: Programs): Promise<void> {
    const machine = machineType(order.request.machineType)
    let why = ''
    for (const { shape, limit } of shapesFor(machine)) {
      const finished = await create(order, system, shape, limit, programs)
      if (finished.code === 0) {
        return bringIn(order, programs, [instanceOf(finished), inShell(system, begin(':'))])
      }
      why = `nsc create for ${shape} ended with ${ending(finished)}`
      // Before the next shape, the last one must be gone: a create that timed out may have made its instance.
      await clear(order, programs)
      if (!/capacity|timed? ?out|deadline/i.test(finished.lastWords)) break
    }
    throw new DispatchRefused(why)
  }

  async function create(order: Order, system: keyof typeof platforms, shape: Shape, limit: number, programs: Programs) {
    const argv = [
      ...['nsc', 'create', '--bare', '--output', 'json', '--duration', durationOf(order)],
      ...['--machine_type', `${platforms[system]}:${shape}`, '--wait_timeout', `${limit / 1_000}s`],
      ...labels(order, system),
    ]
    // nsc keeps the limit itself; one that hangs is killed a little later.
    return programs.run(argv, '', limit + 30_000).catch((error: unknown): Finished => {
      if (error instanceof ProgramFailed) return { code: null, output: '', lastWords: 'timed out' }
      throw error
    })
  }

  async function bringIn(order: Order, programs: Programs, args: readonly string[]): Promise<void> {
    for (let left = tries; ; left--) {
      const finished = await programs.run(['nsc', 'ssh', '--disable-pty', ...args], sealed(order.start))
      if (finished.code === 0) return
      if (left === 1) return undone(order, programs, `nsc ssh ended with ${ending(finished)}`)
      await programs.pause(pause)
    }
  }
}

/** There is no runner after this, or it is unknown. */
async function undone(order: Order, programs: Programs, why: string): Promise<never> {
  await clear(order, programs)
  throw new DispatchRefused(why)
}

async function clear({ owner, request }: Order, programs: Programs): Promise<void> {
  for (const { id, instance } of await ours(owner, programs)) if (id === request.id) await destroy(instance, programs)
}

async function ours(owner: string, programs: Programs): Promise<Instance[]> {
  const finished = await programs.run(['nsc', 'list', '--output', 'json', '--label', `muster.owner=${owner}`])
  if (finished.code !== 0) throw new Error(`nsc list ended with ${ending(finished)}`)
  return (instances.parse(JSON.parse(finished.output)) ?? []).flatMap(({ cluster_id, destroyed_at, labels }) => {
    const { 'muster.owner': whose, 'muster.dispatch': id, 'muster.ends': ends, 'muster.system': system } = labels ?? {}
    if (whose !== owner || id === undefined || destroyed_at !== undefined) return []
    const endsAt = ends === undefined ? null : Number(ends) * 1_000
    return [{ instance: cluster_id, id, endsAt, system: system ?? 'linux', alive: true }]
  })
}

/** A container ends its instance; a machine is asked whether its runner has ended, and destroyed then. One that does not answer lives. */
async function withEnd(one: Instance, programs: Programs): Promise<Instance> {
  if (one.system === 'linux') return one
  const argv = ['nsc', 'ssh', '--disable-pty', one.instance, inShell(one.system, hasEnded)]
  const answer = await programs.run(argv).catch(() => null)
  if (answer?.output.trim() !== 'muster-ended') return one
  const destroyed = await destroy(one.instance, programs).then(
    () => true,
    () => false,
  )
  return { ...one, alive: !destroyed }
}

/** A line for the shell of a machine; on Windows that of Git. The line has no double quote in it. */
function inShell(system: string, line: string): string {
  return system === 'windows' ? `"C:\\Program Files\\Git\\bin\\sh.exe" -c "${line}"` : line
}

async function destroy(instance: string, programs: Programs): Promise<void> {
  const finished = await programs.run(['nsc', 'destroy', '--force', instance])
  if (finished.code !== 0 && !/not found|already|does not exist/i.test(finished.lastWords))
    throw new Error(`nsc destroy ended with ${ending(finished)}`)
}

function labels({ owner, request, endsAt }: Order, system: System): string[] {
  const marks = { owner, dispatch: request.id, ends: String(Math.ceil(endsAt / 1_000)), system }
  return Object.entries(marks).flatMap(([name, value]) => ['--label', `muster.${name}=${value}`])
}

function systemOf({ request }: Order): System {
  const { platform } = sized(request.machineType)
  const named = platform?.split('/')[0]
  if (named === 'windows' || named === 'macos') return named
  const bare = request.labels.map((label) => label.split(':')[0] ?? '')
  if (bare.some((label) => label.startsWith('namespace-profile-windows-'))) return 'windows'
  return bare.some((label) => label.startsWith('namespace-profile-macos-')) ? 'macos' : 'linux'
}

function sized(written: string | null): { platform: string | null; size: string | null } {
  const type = machineType(written)
  if (!type || written === null) return { platform: null, size: null }
  return {
    platform: type.platform && `${type.platform.os}/${type.platform.arch}`,
    size: written.split(':').at(-1) ?? null,
  }
}

function durationOf({ request }: Order): string {
  return `${Math.ceil(request.ttl / 1_000)}s`
}

function instanceOf({ output }: Finished): string {
  return created.parse(JSON.parse(output)).cluster_id
}
