import { z } from 'zod'
import { mapping } from '../../../fields/mapping.ts'
import { oneOf, optionalText, text } from '../../../fields.ts'
import { DispatchRefused } from '../../errors.ts'
import { machineType } from '../../machine-type.ts'
import { ending } from '../own-command.ts'
import type { Finished, Programs } from '../programs.ts'
import { beforehand, type Listed, type Order, type Tool } from '../tool.ts'
import { begin, bringIn } from './guest.ts'
import { markOf, readMark } from './mark.ts'

// Flags and texts as in Tart 2.32 (Sources/tart/Commands).
const shape = {
  preset: oneOf(['tart']),
  image: text('the image that is cloned', /^[^\s-]\S*$/)
    .nullable()
    .prefault(null),
  user: text('a user name', /^[a-z_][\w-]*$/).prefault('admin'),
  identity_file: optionalText,
}

export interface TartOptions {
  kind: 'tart'
  image: string | null
  user: string
  identity: string | null
}

/** Virtual machines on Apple silicon, one for each runner: cloned, run, entered by ssh, and deleted. */
export const tart = {
  keys: Object.keys(shape),
  launchTimeout: 10 * 60_000,
  schema: mapping(shape).transform(
    ({ image, user, identity_file }): TartOptions => ({ kind: 'tart', image, user, identity: identity_file }),
  ),
}

/** Seconds that a machine gets to boot, and to shut down. */
const bootPatience = 180
const stopPatience = 20

const listed = z.array(z.object({ Name: z.string(), State: z.string().optional(), Running: z.boolean().optional() }))

export function tartTool(options: TartOptions): Tool {
  return {
    traits: { idempotent: true, lists: true, stops: true, local: true },

    async launch(order, programs) {
      const image = order.request.image ?? options.image
      if (image === null) throw new DispatchRefused('there is no image: set "image" of the target or of the dispatcher')
      const machine = machineType(order.request.machineType)
      const name = markOf(order)
      // One that is there was started before, whatever has become of it.
      if ((await beforehand(machines(order.owner, programs))).some(({ id }) => id === order.request.id)) return
      const cloned = await programs.run(['tart', 'clone', image, name])
      // A clone appears under its name only when it is whole.
      if (cloned.code !== 0) throw new DispatchRefused(`tart clone ended with ${ending(cloned)}`)
      await orRemove(name, programs, async () => {
        const memory = Math.ceil((machine?.memory ?? 0) / 1024 ** 2)
        if (machine)
          await done(
            programs.run(['tart', 'set', name, '--cpu', String(Math.ceil(machine.cpus)), '--memory', String(memory)]),
          )
        await programs.background(['tart', 'run', '--no-graphics', name])
        const host = (await done(programs.run(['tart', 'ip', '--wait', String(bootPatience), name]))).output.trim()
        await enter(order, host, programs)
      })
    },

    async list(owner, programs) {
      return { complete: true, runners: await machines(owner, programs) }
    },

    async stop({ id, owner }, programs) {
      for (const { id: found, name } of await machines(owner, programs)) if (found === id) await remove(name, programs)
    },
  }

  function enter({ start }: Order, host: string, programs: Programs): Promise<void> {
    const command = begin('sudo -n shutdown -h now')
    return bringIn(programs, options, { host, script: start, command })
  }
}

async function machines(owner: string, programs: Programs): Promise<(Listed & { name: string })[]> {
  const { output } = await done(programs.run(['tart', 'list', '--source', 'local', '--format', 'json']))
  return listed.parse(JSON.parse(output)).flatMap(({ Name: name, State, Running }) => {
    const mark = readMark(name, owner)
    return mark ? [{ ...mark, name, alive: Running ?? State === 'running' }] : []
  })
}

/** Does what a machine was made for; else there is no machine. Only when even that fails is it unknown. */
async function orRemove(name: string, programs: Programs, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    await remove(name, programs)
    throw new DispatchRefused(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

async function remove(name: string, programs: Programs): Promise<void> {
  await done(programs.run(['tart', 'stop', '--timeout', String(stopPatience), name]), /is not running|does not exist/)
  await done(programs.run(['tart', 'delete', name]), /does not exist/)
}

async function done(running: Promise<Finished>, also?: RegExp): Promise<Finished> {
  const finished = await running
  if (finished.code !== 0 && !also?.test(finished.lastWords)) throw new Error(`tart ended with ${ending(finished)}`)
  return finished
}
